"""An entry trained in several variants: what is finished is kept, and the record names the variants."""

from pathlib import Path

import torch

from reglab.tracking.journal import Journal
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import variants
from reglab.training.one_seed import finish, finished_seed

STAGE = Stage(About("transfer", "mine", [], {}, {}, [3, 5]), Path("runs"), processes=1)


def leave(count, seed, folder):
    """A job that leaves `count` epochs, and in the outcome how often it was done."""
    done = folder / f"done-{seed}"
    done.write_text(done.read_text() + "x" if done.exists() else "x")
    for epoch in range(count):
        Journal(folder / f"seed-{seed}.jsonl").append(epoch, {"loss": float(count - epoch), f"own{count}": 0.5})
    metrics = {"accuracy": count / 4, "nll": 0.5 * seed}
    finish(folder, seed, {"status": "finished", "metrics": metrics}, {"weights/w": torch.full((2,), float(count))})


def test_each_case_is_trained_once_in_a_folder_of_its_way_and_what_is_finished_not_again(tmp_path):
    jobs = {(seed, count): (leave, count) for seed, count in variants.cases([3, 5], [1, 2])}
    assert list(jobs) == [(3, 1), (3, 2), (5, 1), (5, 2)]
    first = variants.variant_folder(tmp_path, 2)
    leave(2, 5, first)
    results = variants.train_variants(jobs, tmp_path, STAGE)
    assert results.keys() == jobs.keys()
    for seed, count in jobs:
        folder = tmp_path / f"variant-{count}"
        assert (folder / f"done-{seed}").read_text() == "x"
        outcome, tensors = results[seed, count]
        assert outcome == finished_seed(folder, seed)[0] and tensors["weights/w"].tolist() == [count] * 2
    assert variants.train_variants(jobs, tmp_path, STAGE).keys() == jobs.keys()
    assert {path.read_text() for path in tmp_path.rglob("done-*")} == {"x"}
    assert variants.seeds_of_record(results)["5"] == {
        "status": "finished",
        "metrics": {"accuracy": 0.375, "nll": 2.5, "accuracy@1": 0.25, "nll@1": 2.5, "accuracy@2": 0.5, "nll@2": 2.5},
    }


def test_curves_have_a_column_for_each_way_and_an_empty_cell_where_one_has_ended(tmp_path):
    for seed, count in variants.cases([3, 5], [1, 2]):
        leave(count, seed, variants.variant_folder(tmp_path, count))
    assert variants.curves_csv(tmp_path, [3, 5], [1, 2]).splitlines() == [
        "seed,epoch,loss@1,own1@1,loss@2,own2@2",
        *("3,0,1.0,0.5,2.0,0.5", "3,1,,,1.0,0.5"),
        *("5,0,1.0,0.5,2.0,0.5", "5,1,,,1.0,0.5"),
    ]
    assert variants.curves_csv(tmp_path, [9], [1, 2]) == "", "a method without epochs"


def test_a_seed_that_diverged_in_some_ways_says_in_which_and_has_no_numbers():
    diverged = {"status": "diverged", "reason": "too fast"}
    outcomes = {1: {"status": "finished", "metrics": {"accuracy": 1.0}}, 2: diverged, "only_x": diverged}
    assert variants.seed_of_record(outcomes) == {
        "status": "diverged",
        "reason": "variant 2: too fast; variant only_x: too fast",
        "metrics": {},
    }
