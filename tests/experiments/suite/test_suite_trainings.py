"""The recipes of a data set, trained together: equal budgets, records that are kept, no test part in the search."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from blobs import blobs
from study_elsewhere import Threads

from reglab.experiments.applicability import Facts
from reglab.experiments.baselines.methods.k_nearest_neighbours import KNearestNeighbours
from reglab.experiments.suite import trainings
from reglab.experiments.suite.cached import CachedStage
from reglab.experiments.suite.settings import Suite
from reglab.experiments.suite.tries import candidate, reason, subsets
from reglab.experiments.tuning import tuned
from reglab.experiments.tuning.settings import Cocktail, Tuning
from reglab.models.mlp import MLP
from reglab.regularizers.affine import Affine
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.none import NoRegularizer
from reglab.regularizers.weight_decay import WeightDecay
from reglab.runtime.compute import machine
from reglab.runtime.compute.elsewhere import Elsewhere, JobBuilder
from reglab.tracking import record
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import one_seed, together
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

SEEDS, TUNING = 3, Tuning(seeds=2, settings=4, learning_rate=(0.005, 0.05))
FACTS = Facts((1, 4, 4))
SUITE = Suite(
    sets=("one", "two"),
    recipes=("none", "weight_decay"),
    cocktails=("mixed",),
    baselines={"k_nearest_neighbours": {"n_neighbors": (1, 9)}},
    seeds=SEEDS,
    search_seeds=2,
    settings=4,
)


SETTINGS = SimpleNamespace(  # the sections of a study that the suite reads
    model=MLP(width=4, depth=1),
    training=Training(epochs=2, batch_size=16),
    tuning=TUNING,
    regularizers={"none": NoRegularizer(), "weight_decay": WeightDecay(), "dropout": Dropout(), "affine": Affine()},
    tuned={"none": {}, "weight_decay": {"strength": (0.001, 1.0)}},
    cocktails={"mixed": Cocktail({"dropout": {"hidden_rate": (0.1, 0.6)}, "weight_decay": {"strength": (0.001, 0.1)}})},
    baselines={"k_nearest_neighbours": KNearestNeighbours()},
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return blobs(tmp_path_factory.mktemp("data"), seeds=SEEDS, train_size=60, validation_size=30, test_size=30)


@pytest.fixture
def train(tmp_path, data, monkeypatch):
    """Train the suite's recipes; the records by name, and how many trainings there were."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    counted, run_jobs = [], trainings.run_jobs

    def counting(jobs, stage, title):
        counted.extend(job for job in jobs if not trainings.finished_file(*job).exists())
        run_jobs(jobs, stage, title)

    monkeypatch.setattr(trainings, "run_jobs", counting)
    splits = {seed: data.split(seed) for seed in range(SEEDS)}

    def run(suite=SUITE, code="", compute=None) -> tuple[dict, int]:
        counted.clear()
        pairs = []
        for name in suite.names:
            each = candidate(SETTINGS, suite, name, FACTS)
            about = About("suite", name, [name], {"name": "one", "fingerprint": data.fingerprint}, {}, [*splits])
            pairs.append((each, CachedStage(about, tmp_path, 1, compute=compute, code=code)))
        trainings.train(pairs, splits, suite.search_seeds, "accuracy", "one")
        return {stage.name: record.read(stage.entry / "record") for _, stage in pairs}, len(counted)

    return run


def test_every_recipe_a_cocktail_and_a_classical_method_have_as_many_trials_and_trainings(train):
    records, _ = train()
    assert {len(each["tries"]) for each in records.values()} == {4}
    assert {each["budget"]["trainings"] for each in records.values()} == {4 * 2}
    assert {each["kind"] for each in records.values()} == {"tuned", "cocktail", "classical"}
    for each in records.values():
        scores = [sum(tried["validation_accuracy"]) for tried in each["tries"]]
        assert scores[each["chosen"]["number"]] == max(scores)
        assert all(0 <= seed["metrics"]["test_accuracy"] <= 1 for seed in each["seeds"].values())
        assert not any("test" in name for tried in each["tries"] for name in tried)


def test_a_recipe_has_the_numbers_that_the_family_tuned_gives_it(train, data, tmp_path):
    records, _ = train()
    technique, last = WeightDecay(), EarlyStopping(SETTINGS.training.epochs)
    whole = Recipe((technique, last), SETTINGS.model, SETTINGS.training)
    about = About("tuned", "weight_decay", ["weight_decay"], {"name": "", "fingerprint": ""}, {}, list(range(SEEDS)))
    tuned.run(whole, SETTINGS.tuned["weight_decay"], TUNING, data, Stage(about, tmp_path / "runs", 1))
    alone = json.loads(Path(tmp_path, "runs/tuned/weight_decay/record.json").read_text())
    for key in ("seeds", "chosen", "tries", "expected_best"):
        assert records["weight_decay"][key] == alone[key]


def test_what_is_kept_is_not_trained_again_and_a_new_recipe_trains_itself_alone(train):
    fewer = replace(SUITE, recipes=("none",), cocktails=())
    before, first = train(fewer)
    again, nothing = train(fewer)
    assert (again, nothing) == (before, 0) and first == 2 * (4 * 2 + SEEDS)
    more, new = train(replace(fewer, recipes=("none", "weight_decay")))
    assert new == 4 * 2 + SEEDS and more["none"] == before["none"]


def test_another_machine_trains_what_this_one_would_to_the_byte(train, tmp_path, monkeypatch):
    suite = replace(SUITE, recipes=("none",), cocktails=())
    here, _ = train(suite)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "other"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    for module in (one_seed, together):
        monkeypatch.delattr(module, "run_trainer")  # processes of this machine are forked, those of jobs are not
    kind = machine.processor()
    monkeypatch.setattr(machine, "processor", lambda: "another kind")  # in this process, and not in those of jobs
    there, _ = train(suite, compute=Elsewhere(Threads(), JobBuilder("set@one", "", tmp_path / "other")))
    assert there == here
    assert kinds(tmp_path / "other") == {"none": [kind], "k_nearest_neighbours": ["another kind"]}


def kinds(root: Path) -> dict[str, list[str]]:
    """The kinds of processor on which the record of each recipe was made."""
    kept = [record.read_with_digest(folder) for folder in (root / ".reglab" / "suite").glob("*/record")]
    return {values["name"]: machine.noted_processors(machine.of_record(root, digest)) for values, digest in kept}


def test_other_code_trains_anew(train):
    train(replace(SUITE, recipes=("none",), cocktails=(), baselines={}))
    assert train(replace(SUITE, recipes=("none",), cocktails=(), baselines={}), code="other")[1] > 0


def test_a_killed_search_goes_on_with_what_has_not_finished(train, tmp_path, monkeypatch):
    def killed(*arguments, **files):
        raise KeyboardInterrupt

    suite, publish = replace(SUITE, recipes=("none",), cocktails=(), baselines={}), CachedStage.publish
    monkeypatch.setattr(CachedStage, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        train(suite)
    monkeypatch.setattr(CachedStage, "publish", publish)
    kind = machine.processor()
    monkeypatch.setattr(machine, "processor", lambda: "another kind")
    assert train(suite)[1] == 0
    assert kinds(tmp_path) == {"none": sorted([kind, "another kind"])}


def test_a_cocktail_holds_each_ingredient_about_half_of_the_time_at_the_learning_rates_of_the_others():
    base = {name: SETTINGS.regularizers[name] for name in ("dropout", "weight_decay")}
    ranges = SETTINGS.cocktails["mixed"].ingredients
    whole = Recipe((EarlyStopping(2),), SETTINGS.model, SETTINGS.training)
    many = replace(TUNING, settings=64)
    tried = subsets(base, ranges, many, whole)
    for ingredient in base:
        assert abs(sum(ingredient in each for each in tried) - 32) <= 2
    assert all(0.1 <= each["dropout"]["hidden_rate"] <= 0.6 for each in tried if "dropout" in each)
    none = tuned.proposals("none", {}, many, Recipe((NoRegularizer(),), SETTINGS.model, SETTINGS.training))
    assert sorted(each["training"]["learning_rate"] for each in tried) == pytest.approx(
        sorted(each["training"]["learning_rate"] for each in none), rel=0.05
    )


def test_a_cocktail_of_which_one_ingredient_is_applicable_is_not_searched():
    ingredients = {"affine": {"rotation": (0.0, 9.0)}, "dropout": {"hidden_rate": (0.1, 0.6)}}
    fewer = SimpleNamespace(**vars(SETTINGS) | {"cocktails": {"mixed": Cocktail(ingredients)}})
    assert reason(fewer, SUITE, "mixed", Facts((7,))) == "1 of 2 ingredients are applicable"
    assert reason(fewer, SUITE, "mixed", FACTS) == ""
