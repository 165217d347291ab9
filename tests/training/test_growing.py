"""A record that grows: more seeds train the new ones alone, and the record is that of a study that began with all."""

from dataclasses import replace

import pytest
from blobs import blobs

from reglab.experiments.tuning import tuned
from reglab.experiments.tuning.settings import Tuning
from reglab.models.mlp import MLP
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.weight_decay import WeightDecay
from reglab.tracking import journal
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds, one_seed
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

TRAINING = Training(epochs=3, batch_size=16, learning_rate=0.01)
DECAY, TUNING = WeightDecay(), Tuning(seeds=2, settings=3, learning_rate=(0.005, 0.05))
MODEL = MLP(width=4, depth=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return blobs(tmp_path_factory.mktemp("data"), seeds=6, train_size=48, validation_size=24, test_size=24)


@pytest.fixture
def stage(tmp_path, data, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    about = About(
        "regularizers", "weight_decay", ["weight_decay"], {"fingerprint": data.fingerprint}, {"x": 1}, [0, 1, 2]
    )
    return Stage(about, tmp_path / "runs", processes=1, grows=True)


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """The seeds that have been trained, in their order, also those that another process has trained."""
    log = tmp_path / "trained.log"
    log.touch()
    finish = one_seed.finish

    def noted(folder, seed, outcome, tensors):
        with open(log, "a") as file:
            file.write(f"{seed}\n")
        finish(folder, seed, outcome, tensors)

    monkeypatch.setattr(one_seed, "finish", noted)
    return lambda: [int(line) for line in log.read_text().split()]


def with_seeds(stage: Stage, count: int, **changes) -> Stage:
    return replace(stage, about=replace(stage.about, seeds=list(range(count)), **changes))


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def train(stage: Stage, data) -> dict[str, bytes]:
    all_seeds.run(Recipe((DECAY,), MODEL, TRAINING), data, stage)
    return files(stage.runs / "regularizers" / "weight_decay")


def tune(stage: Stage, data) -> dict[str, bytes]:
    recipe = Recipe((DECAY, EarlyStopping(TRAINING.epochs)), MODEL, TRAINING)
    tuned.run(recipe, {"strength": (0.001, 1.0)}, TUNING, data, with_seeds(stage, len(stage.seeds), family="tuned"))
    return files(stage.runs / "tuned" / "weight_decay")


def test_no_seed_is_trained_twice_and_the_record_is_that_of_a_study_that_began_with_all(stage, data, trained, tmp_path):
    train(stage, data)
    assert sorted(trained()) == [0, 1, 2]
    grown = train(with_seeds(stage, 6), data)
    assert sorted(trained()) == [0, 1, 2, 3, 4, 5]
    at_once = replace(with_seeds(stage, 6), runs=tmp_path / "other", grows=False)
    assert train(at_once, data) == grown
    assert len(trained()) == 12


def test_a_search_is_not_repeated_for_more_seeds(stage, data, trained, tmp_path):
    tune(stage, data)
    before = len(trained())
    grown = tune(with_seeds(stage, 6), data)
    assert sorted(trained()[before:]) == [3, 4, 5]
    assert tune(replace(with_seeds(stage, 6), runs=tmp_path / "other", grows=False), data) == grown


def test_a_record_that_has_fewer_seeds_again_takes_those_alone(stage, data, trained):
    first = train(stage, data)
    train(with_seeds(stage, 6), data)
    assert train(stage, data) == first
    assert len(trained()) == 6
    with stage.journal() as entry:
        assert sorted(path.name for path in entry.glob("*.safetensors")) == [f"seed-{n}.safetensors" for n in range(3)]


def test_other_settings_data_or_code_share_no_seeds(stage, data, trained):
    train(stage, data)
    train(with_seeds(stage, 3, settings={"x": 2}), data)
    train(with_seeds(stage, 3, dataset={"fingerprint": "other"}), data)
    assert len(trained()) == 9


def test_a_record_that_does_not_grow_keeps_nothing_beside_it(stage, data, tmp_path):
    train(replace(stage, grows=False), data)
    assert not (tmp_path / ".reglab" / "seeds").exists()


def test_seeds_are_kept_where_the_file_system_has_no_second_names(stage, data, trained, monkeypatch):
    def refuse(source, target):
        raise OSError("no hard links here")

    monkeypatch.setattr(journal.os, "link", refuse)
    train(stage, data)
    train(with_seeds(stage, 6), data)
    assert sorted(trained()) == [0, 1, 2, 3, 4, 5]
