"""A missing entry is reported once, with all that refer to it; a study of some entries has all that these need."""

import copy
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from shipped import SHIPPED, problems_of

from reglab.config import params, profiles
from reglab.config.references import missing, only, pruned, references
from reglab.config.targets import unused
from reglab.core.errors import UserError
from reglab.core.outlines import outlines

ROOT = Path(__file__).parent.parent.parent


def lines(folder: Path, change) -> list[str]:
    """What is said of the shipped params after a change."""
    given = copy.deepcopy(SHIPPED)
    change(given)
    return problems_of(given, folder)


def small(name: str | None, only: list[str]) -> tuple[params.Params, dict]:
    text = profiles.merged(ROOT / "params.yaml", name, only)
    with outlines():
        return profiles.load(ROOT, name, only), YAML(typ="safe", pure=True).load(text)


def test_an_entry_that_is_taken_out_is_one_line_with_all_that_names_it(tmp_path):
    [line] = lines(tmp_path, lambda all: all["regularizers"].pop("dropout"))
    assert line.startswith("params.yaml: regularizers.dropout: found no such entry, but these name it: ")
    assert "regimes.recipes[2], variance_sources.recipes[1]" in line and "(9 places)" in line
    assert len(missing({**SHIPPED, "regularizers": {"none": {}}})["dropout"]) == 9


def test_a_section_that_is_spelled_wrong_is_one_line_and_read_as_what_it_was_meant_for(tmp_path):
    def change(all):
        all["regularisers"] = all.pop("regularizers")
        all["regularisers"]["l1"]["strength"] = -1

    first, second = sorted(lines(tmp_path, change))
    assert first.startswith("params.yaml: regularisers: found an unknown section; ")
    assert first.endswith("; did you mean regularizers?")
    assert second.startswith("params.yaml: regularizers.l1.strength: found -1")


def test_an_entry_that_is_spelled_wrong_is_one_line(tmp_path):
    def change(all):
        all["regularizers"]["dropuot"] = all["regularizers"].pop("dropout")

    [line] = lines(tmp_path, change)
    assert line.startswith("params.yaml: regularizers.dropuot: found an unknown name") and "mean dropout?" in line


def test_a_section_that_is_absent_is_one_line(tmp_path):
    [line] = lines(tmp_path, lambda all: all.pop("regularizers"))
    assert line.startswith("params.yaml: regularizers: found no such section")


def test_keeping_none_alone_is_a_line_for_each_entry_that_something_names(tmp_path):
    reported = lines(tmp_path, lambda all: all.update(regularizers={"none": {}}))
    gone = missing(SHIPPED | {"regularizers": {"none": {}}})
    assert len(reported) == len(gone) + 1  # and `heterogeneous` has too few to choose from
    assert sum(map(len, gone.values())) > 30


def test_every_reference_names_an_entry_and_what_holds_it_is_there():
    assert not missing(SHIPPED) and pruned(SHIPPED, SHIPPED) == SHIPPED
    assert {reference.place[0] for reference in references(SHIPPED)} == {
        *("transfer", "tuned", "tuned_clean", "tuned_other_network", "sweeps", "cocktails", "regimes"),
        *("variance_sources", "comparisons", "claims"),
    }


def test_nothing_refers_to_what_was_taken_out_and_the_rest_stays():
    two = {key: SHIPPED["regularizers"][key] for key in ("none", "dropout")}
    left = pruned(SHIPPED | {"regularizers": two}, SHIPPED)
    assert left["regimes"]["recipes"] == ["none", "dropout"] and list(left["sweeps"]) == ["dropout"]
    assert left["cocktails"] == {} and left["comparisons"] == {}
    assert left["claims"].keys() >= {"dropout_generalizes", "bagging_generalizes", "dropout_approximates_bagging"}
    assert "l1_generalizes" not in left["claims"] and left["transfer"] == SHIPPED["transfer"]
    alone = pruned(SHIPPED | {"regularizers": {"none": {}}}, SHIPPED)
    assert alone["regimes"]["recipes"] == [] and alone["variance_sources"]["recipes"] == ["none"]
    emptied = {key: {} for key in ("pretraining", "transfer", "semi_supervised", "multitask")}
    without = pruned(SHIPPED | emptied, SHIPPED)
    assert without["augmentation"] == {} and "transfer" not in without["attacks"]


@pytest.mark.parametrize("name", [None, "quick"])
def test_a_study_of_some_entries_has_them_and_what_they_need(name):
    settings, plain = small(name, ["dropout", "new_classes_tuned", "mean_teacher", "joint", "bagging"])
    assert list(settings.regularizers) == ["none", "dropout"] and list(settings.ensembles) == ["bagging"]
    assert set(settings.transfer) == {"from_scratch", "new_classes_from_scratch", "new_classes_tuned"}
    assert set(settings.pretraining) == {"scratch", "supervised_base_classes"} and list(settings.semi_supervised) == [
        "mean_teacher"
    ]
    assert set(settings.multitask) == {"segmentation_only", "depth_only", "joint"}
    assert set(settings.theory) == {"dropout", "bagging"} and settings.baselines.keys() == SHIPPED["baselines"].keys()
    assert "dropout_generalizes" in settings.claims and "l1_generalizes" not in settings.claims
    assert plain["seeds"] == (SHIPPED if name is None else SHIPPED["profiles"][name])["seeds"]


def test_a_name_that_no_entry_has_is_a_users_mistake():
    with pytest.raises(UserError, match=r'--only: found "dropuot"; .*did you mean dropout'):
        profiles.merged(ROOT / "params.yaml", None, ["l1", "dropuot"])


def test_stages_that_no_entry_uses_are_left_out():
    _, techniques = small(None, ["dropout", "l1"])
    assert unused(techniques) == {"scenes", "text", "topics"} and unused(SHIPPED) == set()
    _, text = small(None, ["next_sentence"])
    assert unused(text) == {"scenes"} and unused(text | {"text": {"file": "mine.txt"}}) == {"scenes", "topics"}
    assert unused(small(None, ["scenes_tuned"])[1]) == unused(small(None, ["joint"])[1]) == {"text", "topics"}


def test_tuned_recipes_go_with_their_techniques_and_none_is_not_tuned_alone():
    left = only(SHIPPED, {"dropout"})
    assert list(left["tuned"]) == ["none", "dropout"]
    assert only(SHIPPED, {"early_stopping"})["tuned"] == {}
