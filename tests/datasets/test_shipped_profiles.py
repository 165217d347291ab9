"""The profiles of data that packages ship: each is valid, a small study of it learns, and shuffled labels teach nothing."""

from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path

import pytest
from fire import UNDER_FIRE
from small_study import NAMES, SEEDS, Study, above_chance, deviations_above_chance, largest_deviation

from reglab.config import data_checks, data_report
from reglab.data.sources.table import Table
from reglab.experiments.applicability import Facts, not_applicable

EPOCHS = 12  # enough to learn a leak from a few batches, as the test at the end shows
MORE_EPOCHS = {"yeast": 30}  # fourteen labels are not learnt as fast as one class
STUDIES = {}
KINDS = ("abalone", "mnist", "segment", "yeast")  # amounts, images, classes of rows, several labels
SHUFFLED = [name for name in NAMES if name != "wage_panel_time"]  # which has the data of wage_panel


@pytest.fixture
def study(request, tmp_path_factory) -> Study:
    """A study for all tests of it."""
    name = request.param
    if name not in STUDIES:
        new = Study(name, tmp_path_factory.mktemp(name))
        if missing := new.missing():
            pytest.skip(
                f"the package {missing[0]} is not installed; make installs it, or pip install 'reglab[datasets]'"
            )
        with chdir(new.folder):
            new.write_images()
        STUDIES[name] = new
    return STUDIES[name]


every_profile = pytest.mark.parametrize("study", NAMES, indirect=True)


def test_every_set_that_make_installs_has_a_profile():
    packages = {package for name in NAMES for package in Study(name, Path()).packages}
    assert packages == {"linearmodels", "mlxtend", "plotnine", "river", "sklego"} and len(NAMES) >= 8


@every_profile
def test_a_profile_has_no_problem_and_there_is_a_report_on_its_data(study):
    with chdir(study.folder):
        data_checks.check(study.settings)
        text = data_report.report(study.settings)
    assert f"{len(study.examples.targets):,}  examples are in the data." in text


@every_profile
@pytest.mark.parametrize("technique", ["none", "dropout"])
def test_a_small_study_of_it_beats_chance(study, technique, tmp_path):
    for seed in range(SEEDS):
        split = study.data.split(seed)
        predictions = study.predictions(technique, split, tmp_path, epochs=10, seed=seed)
        assert deviations_above_chance(predictions["test"], split.labels["test"]) > 4


@pytest.mark.parametrize("study", SHUFFLED, indirect=True)
def test_with_shuffled_labels_trainings_score_at_chance(study, tmp_path):
    """Whatever the split of the profile, the parts are drawn at random; what the data lets through reaches any training."""
    assert not_at_chance(study, tmp_path, ["none", "dropout"]) == {}


@pytest.mark.parametrize(
    "study",
    [*KINDS, *(pytest.param(name, marks=UNDER_FIRE) for name in SHUFFLED if name not in KINDS)],
    indirect=True,
)
def test_with_shuffled_labels_every_technique_scores_at_chance(study, tmp_path):
    assert not_at_chance(study, tmp_path) == {}


def not_at_chance(study: Study, folder: Path, names: Sequence[str] = ()) -> dict[str, float]:
    """The techniques whose test accuracy is not that of chance, with the difference; of other tasks, that of `as_classes`.

    If trainings learn from their training part alone, there is one with a probability of 1e-6 at most.
    """
    split = study.shuffled
    labels, facts = split.labels["test"], Facts(split.shape, study.data.task)
    techniques = study.settings.regularizers
    names = names or [name for name, each in techniques.items() if not not_applicable(each.needs, facts, None)]
    bound = largest_deviation(len(labels), 1e-6 / len(names))
    gaps = {}
    for name in names:
        predictions = study.predictions(name, split, folder / name, epochs=MORE_EPOCHS.get(study.name, EPOCHS))["test"]
        gaps[name] = above_chance(predictions, labels)
    return {name: gap for name, gap in gaps.items() if abs(gap) >= bound}


@pytest.mark.parametrize("study", ["phishing", "yeast"], indirect=True)
def test_a_target_among_the_inputs_would_be_found(study, tmp_path, monkeypatch):
    used = Table.used.fget
    monkeypatch.setattr(
        Table, "used", property(lambda table: used(table) | {name: table.columns[name] for name in table.target_names})
    )
    leaking = Study(study.name, study.folder)
    assert not_at_chance(leaking, tmp_path, ["none", "dropout"]).keys() == {"none", "dropout"}
