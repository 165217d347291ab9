"""One random stream varied at a time: only that one moves, and all at the same seed is the ordinary training."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from blobs import blobs

from reglab.core.streams import SOURCES, Seeds
from reglab.data.loader import Loader, whole
from reglab.data.prepared import Split
from reglab.experiments.variance_sources import run as variance_sources
from reglab.experiments.variance_sources.run import varied
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training.all_seeds import finished_with_metrics
from reglab.training.one_seed import Recipe, finished_seed, learner_of, train_seed
from reglab.training.settings import Training

TRAINING = Training(epochs=2, batch_size=8, learning_rate=0.01)
SHAPE = (1, 4, 4)


def recipe(*techniques):
    return Recipe(techniques, MLP(width=6, depth=1), TRAINING)


DROPOUT = recipe(Dropout(0.2, 0.5))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    sizes = {"train_size": 40, "validation_size": 25, "test_size": 25}
    return blobs(tmp_path_factory.mktemp("data"), seeds=3, examples=90, apart=0.3, **sizes)


def run(recipe, name, data, folder):
    about = About(
        "variance_sources", name, [name], {"name": data.name, "fingerprint": data.fingerprint}, {name: {}}, [0, 1, 2]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(folder))
        variance_sources.run(recipe, data, Stage(about, folder, processes=2))
    return json.loads((folder / "variance_sources" / name / "record.json").read_text())


@pytest.fixture(scope="module")
def records(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("runs")
    return {"none": run(recipe(), "none", data, folder), "dropout": run(DROPOUT, "dropout", data, folder)}


def spread(record, source):
    return np.ptp([seed["metrics"][f"test_nll@{source}"] for seed in record["seeds"].values()])


def test_without_a_technique_the_masks_spread_nothing_at_all(records):
    assert spread(records["none"], "masks") == 0.0
    assert all(spread(records["none"], source) > 0 for source in SOURCES if source != "masks")
    assert all(spread(records["dropout"], source) > 0 for source in SOURCES)


def test_at_the_first_seed_every_source_is_the_ordinary_training(records, data, tmp_path):
    split = data.split(0)
    train_seed(DROPOUT, split, 0, tmp_path)
    ordinary = finished_with_metrics(tmp_path, 0, split, ["test_nll", "test_accuracy"])[0]["metrics"]
    metrics = records["dropout"]["seeds"]["0"]["metrics"]
    for source in SOURCES:
        assert {metric: metrics[f"{metric}@{source}"] for metric in ordinary} == ordinary


def test_the_record_has_no_mean_over_sources(records):
    assert all("@" in name for seed in records["none"]["seeds"].values() for name in seed["metrics"])
    assert records["none"]["cost"]["relative_to_none"] == 1.0


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_moves_its_own_stream_and_no_other(source):
    def drawn(seed):
        """What the training begins with: its split's seed, weights, batch order and masks."""
        split, streams = varied(source, seed, first=0)
        learner = learner_of(DROPOUT, Split({"labelled": np.zeros((1, *SHAPE))}, {}, {}, classes=3), seed, streams)
        examples = whole(torch.zeros(20, *SHAPE), np.zeros(20, np.int64), 3)
        order = next(iter(Loader(examples, 20, streams.batch_order))).indices
        masks = torch.rand(5, generator=learner.network.moment.generator("dropout"))
        return {"split": split, "initialization": learner.network.head.weight, "batch_order": order, "masks": masks}

    one, two = drawn(1), drawn(2)
    moved = {name for name in SOURCES if not torch.equal(*(torch.as_tensor(each[name]) for each in (one, two)))}
    assert moved == {source}


def test_all_streams_at_one_seed_are_that_seed_to_the_bit(data, tmp_path):
    split = data.split(2)
    for name, streams in {"plain": None, "apart": Seeds(2, 2, 2), "moved": Seeds(2, 2, 1)}.items():
        (tmp_path / name).mkdir()
        train_seed(DROPOUT, split, 2, tmp_path / name, streams=streams)
    plain, apart, moved = (finished_seed(tmp_path / name, 2) for name in ("plain", "apart", "moved"))
    assert plain[0] == apart[0]
    assert all(np.array_equal(plain[1][name], apart[1][name]) for name in plain[1])
    assert not np.array_equal(plain[1]["weights/head.weight"], moved[1]["weights/head.weight"])


def test_an_edited_recipe_changes_the_file_that_its_own_stage_depends_on_and_no_other(tmp_path, monkeypatch):
    pipelines = Path(__file__).parent.parent.parent.parent / "pipelines"
    monkeypatch.setattr(sys, "path", [*sys.path, str(pipelines)])  # last: code.py there is not Python's own module
    import check

    def written(text):
        (tmp_path / "params.yaml").write_text(text)
        check.main()
        return {path.stem: path.read_text() for path in (tmp_path / "data" / "recipes").iterdir()}

    monkeypatch.chdir(tmp_path)
    shipped = (Path(__file__).parent.parent.parent.parent / "params.yaml").read_text()
    before, after = written(shipped), written(shipped.replace("dropout: {input_rate: 0.2", "dropout: {input_rate: 0.3"))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"dropout", "dropout_and_max_norm"} and {"none", "mixup"} < before.keys()


def test_the_cost_is_that_of_one_training_beside_the_plain_network(data, monkeypatch):
    def step(recipe, split):
        return {"flops_per_example": 7.0 if recipe.regularizers else 5.0, "forward_passes": 2, "backward_passes": 1}

    monkeypatch.setattr(variance_sources, "cost_of_step", step)
    assert variance_sources.cost(DROPOUT, data.split(0), epochs=1.5) == {
        **{"flops": 7 * 40 * 1.5, "forward_passes": 2, "backward_passes": 1},
        "relative_to_none": pytest.approx(7 * 1.5 / (5 * 2)),
    }
