"""A recipe's record: complete, the same twice, never half written."""

import csv
import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from blobs import blobs
from safetensors.numpy import load_file

from reglab.core.checks import Check
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.tracking import checkout, journal, record
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training


class Homeless(Dropout):
    """A technique with exact checks and without a theory topic whose stage would run them."""

    topic = None

    @classmethod
    def checks(cls):
        return [Check("it is itself", 0.123, 1e-6)]


@pytest.fixture
def data(tmp_path):
    return blobs(tmp_path / "data", seeds=2, train_size=60, validation_size=30, test_size=30)


@pytest.fixture
def run(tmp_path, data, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))

    def run(*techniques, name="dropout", **changes):
        settings = {
            "epochs": 3,
            "batch_size": 16,
            "optimizer": "adam",
            "learning_rate": 0.01,
            "momentum": 0.0,
            "accelerator": "cpu",
        }
        settings |= changes
        dataset = {"name": data.name, "fingerprint": data.fingerprint}
        about = About("regularizers", name, [name], dataset, {name: {}, "training": settings}, [0, 1])
        recipe = Recipe(techniques, MLP(width=8, depth=1), Training(**settings))
        all_seeds.run(recipe, data, Stage(about, tmp_path / "runs", processes=2))
        return tmp_path / "runs" / "regularizers" / name

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_record_is_complete_and_its_numbers_follow_from_the_predictions(run):
    folder = run(Dropout())
    content = json.loads((folder / "record.json").read_text())
    assert content["schema"] == 1 and content["family"] == "regularizers" and content["seeds"].keys() == {"0", "1"}
    predictions = load_file(folder / "predictions.safetensors")
    right = predictions["test_predictions"].argmax(2) == predictions["test_labels"]
    for seed in (0, 1):
        metrics = content["seeds"][str(seed)]["metrics"]
        assert metrics["test_accuracy"] == pytest.approx(right[seed].mean(), abs=1e-6)
        for gap, train in (("", "_true_labels"), ("_given_labels", "")):
            difference = metrics[f"train_accuracy{train}"] - metrics["test_accuracy"]
            assert metrics[f"generalization_gap{gap}"] == pytest.approx(difference, abs=1e-9)
        assert load_file(folder / "weights" / f"seed-{seed}.safetensors")["head.weight"].shape == (3, 8)
    assert content["summary"]["test_accuracy"]["mean"] == pytest.approx(right.mean(), abs=1e-6)


def test_the_last_row_of_the_curves_is_the_trained_network(run):
    folder = run(Dropout())
    rows = list(csv.DictReader((folder / "curves.csv").open()))
    assert [(row["seed"], row["epoch"]) for row in rows] == [(s, e) for s in "01" for e in "012"]
    metrics = json.loads((folder / "record.json").read_text())["seeds"]["1"]["metrics"]
    for name in ("train_accuracy", "validation_accuracy", "validation_nll"):
        assert float(rows[-1][name]) == pytest.approx(metrics[name], rel=1e-5)


def test_two_runs_leave_the_same_bytes(run):
    first = files(run(Dropout()))
    assert files(run(Dropout())) == first and len(first) == 5


def test_a_record_holds_no_time_host_or_path(run, tmp_path):
    import socket

    text = b"".join(files(run(Dropout())).values())
    assert socket.gethostname().encode() not in text and str(tmp_path).encode() not in text


def test_a_diverged_seed_is_marked_and_leaves_no_summary(run):
    content = json.loads((run(learning_rate=1e30, optimizer="sgd") / "record.json").read_text())
    assert {seed["status"] for seed in content["seeds"].values()} == {"diverged"} and content["summary"] == {}
    assert all(
        seed["metrics"] == {} and ("infinite" in seed["reason"] or "nan" in seed["reason"])
        for seed in content["seeds"].values()
    )


def test_stopping_early_costs_less_than_the_full_training(run):
    def cost(folder):
        return json.loads((folder / "record.json").read_text())["cost"]

    full, stopped = (
        cost(run(epochs=40)),
        cost(run(EarlyStopping(1), name="early_stopping", epochs=40, learning_rate=0.1)),
    )
    assert full["relative_to_none"] == 1 and stopped["relative_to_none"] < 1
    assert stopped["flops"] < full["flops"]


def test_a_failure_leaves_the_record_that_was_there(run, monkeypatch):
    before = files(run(Dropout()))

    def fail(*arguments, **keywords):
        raise OSError("the disk is full")

    monkeypatch.setattr("safetensors.numpy.save_file", fail)
    with pytest.raises(OSError, match="disk"):
        run(Dropout(), learning_rate=0.02)
    folder = checkout.root() / "runs" / "regularizers" / "dropout"
    assert files(folder) == before


def test_settings_data_seeds_and_code_decide_where_a_run_goes_on(tmp_path):
    about = About(
        "regularizers", "dropout", ["dropout"], {"fingerprint": "a"}, {"dropout": {"hidden_rate": 0.5}}, [0, 1]
    )
    places = {
        journal.place(tmp_path, About(**asdict(about) | changes), "code")
        for changes in (
            {},
            {"settings": {"dropout": {"hidden_rate": 0.4}}},
            {"dataset": {"fingerprint": "b"}},
            {"seeds": [0, 1, 2]},
        )
    }
    assert len(places | {journal.place(tmp_path, about, "other code")}) == 5


def test_a_run_goes_on_where_the_same_code_left_it(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr("reglab.tracking.mirror.start_follower", lambda root: None)
    about = About("regularizers", "dropout", ["dropout"], {"fingerprint": "a"}, {}, [0])

    def entry(code: str) -> Path:
        with journal.opened(about, {"code": code, "tags": {}, "tracking": {}, "changed": {}}) as folder:
            return folder

    assert entry("one") == entry("one") != entry("another")


def test_a_journal_continues_after_an_incomplete_line_and_keeps_the_first_writing(tmp_path):
    path = tmp_path / "seed-0.jsonl"
    first = journal.Journal(path)
    first.append(0, {"loss": 1 / 3})
    written = path.read_text()
    path.write_text(written + '{"epoch": 1, "ti')
    second = journal.Journal(path)
    second.append(0, {"loss": 0.25})
    assert path.read_text() == written
    second.append(1, {"loss": 0.5})
    assert [json.loads(line)["metrics"] for line in path.read_text().splitlines()] == [
        {"loss": 0.3333333},
        {"loss": 0.5},
    ]


@pytest.mark.parametrize(
    ("technique", "checks"),
    [
        (
            Homeless(),
            [{"name": "it is itself", "gap": 0.12, "tolerance": 1e-6, "passed": False, "technique": "dropout"}],
        ),
        (Dropout(), []),
    ],
)
def test_the_checks_of_a_technique_without_a_topic_are_in_its_own_record(run, technique, checks):
    content = json.loads((run(technique, epochs=1) / "record.json").read_text("utf-8"))
    assert content["checks"] == checks


def test_a_seed_of_the_record_has_what_a_reader_asks_and_no_numbers_where_it_diverged(data):
    split = data.split(0)
    predicted = {part: np.eye(3)[split.labels[part]] for part in ("labelled", "validation", "test")}
    network = {"zero_weights": 0.1, "idle_units": 0.2, "weight_norm": 3.0, "distance_from_start": 4.0}
    outcome = {"status": "finished", "epochs": 7, "best_epoch": 4, "flops": 1} | network
    seed = all_seeds.seed_of_record(outcome, predicted, split)
    assert seed == {"status": "finished", "epochs": 7, "best_epoch": 4, "metrics": seed["metrics"]}
    assert (
        seed["metrics"] == record.seed_metrics(split, predicted) | network and seed["metrics"]["test_accuracy"] == 1.0
    )
    diverged = {"status": "diverged", "reason": "too fast", "epochs": 1, "best_epoch": 0} | network
    assert all_seeds.seed_of_record(diverged, predicted, split) == {
        **{"status": "diverged", "reason": "too fast", "epochs": 1, "best_epoch": 0},
        "metrics": {},
    }


def test_the_cost_is_that_of_all_epochs_and_relative_to_all_epochs_of_the_plain_network():
    recipe = Recipe((), MLP(), SimpleNamespace(epochs=10))
    step = {"flops_per_example": 10.3, "forward_passes": 3, "backward_passes": 2}
    plain = {"flops_per_example": 4.0, "forward_passes": 1, "backward_passes": 1}
    assert all_seeds.total_cost(recipe, step, plain, epochs=2.5, examples=7) == {
        **{"flops": round(10.3 * 2.5 * 7), "forward_passes": 3, "backward_passes": 2},
        "relative_to_none": pytest.approx(10.3 * 2.5 / 40),
    }
