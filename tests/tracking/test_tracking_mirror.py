"""From the journal to MLflow while trainings run, whatever happens to either."""

import itertools
import json
import math
import multiprocessing
import os
import shutil
import signal
from collections import Counter
from unittest.mock import Mock

import pytest
from mlflow.store.db import utils
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking import MlflowClient
from mlflow.tracking._tracking_service import client as batches

from reglab.runtime.compute.machine import PROCESSORS
from reglab.runtime.exclusive import only_repro
from reglab.tracking.mirror import store
from reglab.tracking.mirror.content import for_display
from reglab.tracking.mirror.sync import mirror


def rows(run: dict, name: str) -> list[tuple[int, float]]:
    """(step, value) of a metric."""
    return [(step, value) for key, step, value, _ in run["metrics"] if key == name]


def test_curves_grow_with_the_journal(study):
    training, sent = study.begin(), {}
    training.epochs(1, 0)
    assert mirror(study.root, sent) == []
    assert rows(study.run("dropout/seed-0"), "training/train_accuracy") == [(0, 0.5)]
    assert study.run("dropout")["status"] == study.run("dropout/seed-0")["status"] == "RUNNING"
    training.epochs(3)
    mirror(study.root, sent)
    assert [step for step, _ in rows(study.run("dropout/seed-0"), "training/train_accuracy")] == [0, 1, 2]
    assert len(study.runs()) == 3


def test_a_curve_is_the_mean_over_the_seeds_where_every_seed_is_and_its_range_is_no_chart(study):
    training = study.begin()
    training.epochs(4, 0)
    training.epochs(2, 1)
    training.finish()
    mirror(study.root, {})
    parent = study.run("dropout")
    first, second = 1 - 1 / 2, 1 - 1 / 3  # epoch 0 of seeds 0 and 1
    assert rows(parent, "training/train_accuracy")[0][1] == pytest.approx((first + second) / 2, rel=5e-4)  # four digits
    names = {name for name, *_ in parent["metrics"] if name.startswith("training/")}
    assert names == {"training/train_accuracy", "training/validation_accuracy"}
    assert [step for step, _ in rows(parent, "training/train_accuracy")] == [0, 1]


def test_a_run_says_on_which_kinds_of_processor_its_trainings_ran(study):
    here, there = study.begin(), study.begin("weight_decay")
    (there.entry / PROCESSORS).write_text("x86_64 AuthenticAMD avx2\nx86_64 GenuineIntel avx512f\n")
    for training in (here, there):
        training.epochs(2)
        training.finish()
    mirror(study.root, {})
    assert study.run("dropout")["tags"]["processor"] == "x86_64 of this machine"
    assert study.run("weight_decay")["tags"]["processor"] == "x86_64 AuthenticAMD avx2; x86_64 GenuineIntel avx512f"


def test_a_finished_recipe_shows_settings_summary_curves_figures_and_where_it_comes_from(study):
    training = study.begin()
    training.epochs(4)
    training.finish()
    assert mirror(study.root, {}) == []
    parent, seed = study.run("dropout"), study.run("dropout/seed-1")
    assert parent["status"] == seed["status"] == "FINISHED"
    assert parent["params"].items() >= {"dropout.hidden_rate": "0.5", "training.epochs": "4", "seeds": "2"}.items()
    assert seed["params"] == parent["params"] | {"seed": "1"}
    wanted = {"dvc_stage": "train@dropout", "git_commit": "c0ffee", "family": "regularizers", "technique": "dropout"}
    wanted |= {"dataset_fingerprint": "0123abcd"}
    wanted |= {"mlflow.source.name": "train@dropout"}
    assert parent["tags"].items() >= wanted.items() and seed["tags"].items() >= wanted.items()
    assert seed["tags"]["mlflow.parentRunId"] == "dropout"
    summary = {
        key: value for key, _, value, _ in parent["metrics"] if not key.startswith(("training/", "training_cost/"))
    }
    assert summary == {"test_accuracy": 0.905}
    assert "| test_accuracy | 0.9050 | 0.8415 to 0.9685 |" in parent["tags"]["mlflow.note.content"]
    assert rows(seed, "test_accuracy") == [(0, 0.91)]
    assert study.artifacts(parent) == {"record.json", "curves.csv", "learning_curves.svg"}
    assert list((study.root / ".reglab" / "journal").glob("*/run.json")) == [], "what MLflow has leaves the journal"


def test_all_that_the_run_of_a_seed_lacks_is_one_call(study, monkeypatch):
    called, log_batch = Counter(), SqlAlchemyStore.log_batch

    def counted(store, run_id, **given):
        called[run_id] += 1
        return log_batch(store, run_id, **given)

    monkeypatch.setattr(SqlAlchemyStore, "log_batch", counted)
    training = study.begin()
    training.epochs(4)
    training.finish()
    assert mirror(study.root, {}) == []
    calls = {name: called[run["id"]] for name, (run,) in study.runs().items()}
    assert calls == {"dropout": 2, "dropout/seed-0": 1, "dropout/seed-1": 1}


def test_every_run_names_its_dataset_and_once_more_adds_none(study):
    training = study.begin()
    training.epochs(1)
    mirror(study.root, {})
    training.epochs(2)
    training.finish()
    mirror(study.root, {})
    client = MlflowClient(f"sqlite:///{study.root / 'mlflow.db'}")
    for name in ("dropout", "dropout/seed-0", "dropout/seed-1"):
        (used,) = client.get_run(study.run(name)["id"]).inputs.dataset_inputs
        assert (used.dataset.name, used.dataset.digest) == ("digits", "0123abcd")
        assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "train")]
        assert json.loads(used.dataset.profile) == {"name": "digits", "fingerprint": "0123abcd"}


def test_a_theory_topic_has_no_dataset(study):
    study.begin("lasso", family="theory", technique=[], dataset={}, seeds=0).finish()
    assert mirror(study.root, {}) == []
    client = MlflowClient(f"sqlite:///{study.root / 'mlflow.db'}")
    assert client.get_run(study.run("lasso")["id"]).inputs.dataset_inputs == []


def test_a_run_that_is_not_applicable_has_the_reason_as_a_tag_and_no_numbers(study):
    why = "needs images; examples are rows of 30 numbers"
    study.begin("cutmix", technique=["cutmix"], seeds=0).finish(not_applicable=why, cost={})
    assert mirror(study.root, {}) == []
    run = study.run("cutmix")
    assert run["status"] == "FINISHED" and run["tags"]["not_applicable"] == why and run["metrics"] == []
    assert f"**Not applicable**: {why}." in run["tags"]["mlflow.note.content"]


@pytest.mark.parametrize(
    ("changed", "name", "tag"),
    [
        ({"regularizers": {"dropout": {"hidden_rate": 0.5}}}, "dropout [hidden_rate=0.5]", "dropout.hidden_rate=0.5"),
        ({"data": {"label_noise": 0.2}}, "dropout [label_noise=0.2]", "data.label_noise=0.2"),
        ({"regularizers": {"l1": {"strength": 1.0}}}, "dropout", None),  # a setting of another entry
        ({"sweeps": {"dropout": {"hidden_rate": [0.1]}}}, "dropout", None),  # not the value that this run has
    ],
)
def test_a_run_of_an_experiment_shows_the_settings_that_were_changed(study, changed, name, tag):
    training = study.begin(changed=changed)
    training.epochs(1)
    mirror(study.root, {})
    training.finish()
    mirror(study.root, {})
    assert study.run(name)["tags"].get("varied") == tag
    assert study.run(name.replace("dropout", "dropout/seed-1", 1))["status"] == "FINISHED" and len(study.runs()) == 3


def test_numbers_are_rounded_for_the_eye_and_whole_ones_are_not():
    shown = for_display(
        {"a": 0.892045454545, "b": 0.00123456, "flops": 2560204800, "c": math.inf, "d": -5.558123, "e": None}
    )
    assert shown == {"a": 0.892, "b": 0.001235, "flops": 2560204800, "d": -5.558}


def test_times_are_those_of_the_training_and_an_interruption_costs_no_seconds(study):
    training = study.begin(seeds=1)
    training.epochs(4)
    path = training.entry / "seed-0.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[3]["time"] += 3600  # killed, and gone on with an hour later
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    training.finish()
    mirror(study.root, {})
    seed = study.run("dropout/seed-0")
    assert seed["span"] == (study.begin_time * 1000, (study.begin_time + 3603) * 1000)
    assert rows(seed, "training_cost/seconds") == rows(study.run("dropout"), "training_cost/seconds") == [(0, 4.0)]


def test_the_time_of_a_recipe_ends_without_the_wait_for_its_stage(study):
    training = study.begin()
    training.epochs(4)
    last = study.begin_time + 3 + 1 / 8  # when the fourth epoch of the second seed ended
    training.finish()
    for name, moment in {"run.json": last + 600, "record.json": last + 607}.items():
        os.utime(training.entry / name, (moment, moment))
    mirror(study.root, {})
    assert study.run("dropout")["span"] == (study.begin_time * 1000, (last + 7) * 1000)


def test_the_time_of_a_recipe_that_got_more_seeds_ends_without_the_time_between_the_looks(study):
    training = study.begin(seeds=3)
    training.epochs(4)
    path, apart = training.entry / "seed-2.jsonl", 1000
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line | {"time": line["time"] + apart}) + "\n" for line in lines))
    training.finish()
    for name, moment in {"run.json": apart - 1, "record.json": apart + 10}.items():
        os.utime(training.entry / name, (study.begin_time + moment,) * 2)
    mirror(study.root, {})
    begin, first_look, second_look = study.begin_time * 1000, 3125, 11_000
    assert study.run("dropout")["span"] == (begin, begin + first_look + second_look)


def test_a_run_that_took_over_trainings_from_before_it_began_does_not_end_before_it(study):
    training, opened = study.begin(), study.begin_time + 100
    os.utime(training.entry / "run.json", (opened, opened))
    mirror(study.root, {})
    training.epochs(4)  # of before, as those of a search are
    training.finish()
    for name, moment in {"run.json": opened, "record.json": opened + 1}.items():
        os.utime(training.entry / name, (moment, moment))
    mirror(study.root, {})
    trained, collected = 3125, 1000
    assert study.run("dropout")["span"] == (opened * 1000, opened * 1000 + trained + collected)


def test_a_database_that_a_kill_left_unfinished_is_none(study):
    (study.root / "mlflow.db").unlink()
    training = study.begin()
    training.epochs(4)
    training.finish()
    child = multiprocessing.get_context("fork").Process(target=mirror_until_the_tables_are_there, args=(study.root,))
    child.start()
    child.join()
    assert child.exitcode == 9 and not (study.root / "mlflow.db").exists()
    assert mirror(study.root, {}) == [] and study.run("dropout")["status"] == "FINISHED"


def test_where_nothing_can_be_written_beside_the_database_mlflow_makes_it(study, monkeypatch):
    study.begin()
    monkeypatch.setattr(store, "TemporaryDirectory", Mock(side_effect=PermissionError("read-only")))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{study.root}/other.db")
    assert mirror(study.root, {}) == [] and (study.root / "other.db").exists()


def mirror_until_the_tables_are_there(root) -> None:
    """In a process of its own: mirror, and be gone before MLflow has migrated them."""
    utils._upgrade_db = lambda engine: os._exit(9)
    mirror(root, {})


def test_a_torn_last_line_waits_for_its_end(study):
    training = study.begin(seeds=1)
    training.epochs(2)
    whole = (training.entry / "seed-0.jsonl").read_text()
    (training.entry / "seed-0.jsonl").write_text(whole[:-20])
    assert mirror(study.root, {}) == []
    assert [step for step, _ in rows(study.run("dropout/seed-0"), "training/loss")] == [0]
    (training.entry / "seed-0.jsonl").write_text(whole)
    mirror(study.root, {})
    assert [step for step, _ in rows(study.run("dropout/seed-0"), "training/loss")] == [0, 1]


def mirror_until(root, calls: float) -> None:
    """In a process of its own: mirror, and be killed at that call to MLflow or its database; batches are small."""
    batches.MAX_METRICS_PER_BATCH = 10
    done = itertools.count()

    def counted(verb):
        def call(*arguments, **more):
            if next(done) >= calls:
                os.kill(os.getpid(), signal.SIGKILL)
            return verb(*arguments, **more)

        return call

    for name in ("create_run", "log_inputs", "set_terminated", "log_artifact", "log_text"):
        setattr(MlflowClient, name, counted(getattr(MlflowClient, name)))
    SqlAlchemyStore.log_batch = counted(SqlAlchemyStore.log_batch)
    os._exit(bool(mirror(root, {})))


def exit_code(root, calls: float) -> int:
    child = multiprocessing.get_context("fork").Process(target=mirror_until, args=(root, calls))
    child.start()
    child.join()
    return child.exitcode


def test_killed_at_every_call_and_mirrored_again_it_is_as_if_nothing_had_happened(study):
    training = study.begin()
    training.epochs(4)
    training.finish(diverged=(1,))
    shutil.copytree(training.entry, study.root / "entry")
    shutil.copyfile("mlflow.db", "empty.db")
    assert exit_code(study.root, math.inf) == 0
    wanted = study.runs()
    shutil.copytree(study.root / "entry", training.entry)
    shutil.copyfile("empty.db", "mlflow.db")
    kills = 0
    while exit_code(study.root, kills) == -signal.SIGKILL:
        kills += 1
    assert kills > 5 and not training.entry.exists()
    result = study.runs()
    assert study.artifacts(result["dropout"][0]) == {"record.json", "curves.csv", "learning_curves.svg"}
    for (run,) in (*wanted.values(), *result.values()):
        del run["id"]
    assert result == wanted


def test_a_seed_that_diverged_has_failed_and_its_parent_says_so(study):
    training = study.begin()
    training.epochs(4, 0)
    training.epochs(2, 1)
    training.finish(diverged=(1,))
    assert mirror(study.root, {}) == []
    parent, good, bad = (study.run(name) for name in ("dropout", "dropout/seed-0", "dropout/seed-1"))
    assert (parent["status"], good["status"], bad["status"]) == ("FINISHED", "FINISHED", "FAILED")
    assert parent["tags"]["diverged_seeds"] == "1" and "Diverged: seed 1" in parent["tags"]["mlflow.note.content"]
    assert rows(parent, "test_accuracy") == []
    assert "the loss became inf" in bad["tags"]["mlflow.note.content"]


def test_a_killed_training_is_killed_and_going_on_it_runs_again_in_the_same_runs(study):
    training, sent = study.begin(), {}
    training.epochs(2)
    mirror(study.root, sent)
    training.lock.release(force=True)
    mirror(study.root, sent)
    assert {run["status"] for (run,) in study.runs().values()} == {"KILLED"}
    stopped = study.runs()
    mirror(study.root, sent)
    assert study.runs() == stopped
    training.lock.acquire()
    training.epochs(4)
    mirror(study.root, {})
    assert {run["status"] for (run,) in study.runs().values()} == {"RUNNING"}
    training.finish()
    mirror(study.root, {})
    assert {run["status"] for (run,) in study.runs().values()} == {"FINISHED"}
    assert study.run("dropout")["id"] == stopped["dropout"][0]["id"] and study.runs().keys() == stopped.keys()


def test_a_recipe_that_waits_for_its_stage_is_not_killed_until_the_command_ends(study):
    training = study.begin()
    training.epochs(4)
    training.lock.release(force=True)
    with only_repro(study.root):
        mirror(study.root, {})
        assert {run["status"] for (run,) in study.runs().values()} == {"RUNNING"}
    mirror(study.root, {})
    assert {run["status"] for (run,) in study.runs().values()} == {"KILLED"}


def test_the_same_training_once_more_is_told_by_one_run(study):
    for _ in range(2):
        training = study.begin(key="0123")
        training.epochs(2)
        mirror(study.root, {})
        training.epochs(4)
        training.finish()
        mirror(study.root, {})
    counts = {name: len(runs) for name, runs in study.runs().items()}
    assert counts == {"dropout": 1, "dropout/seed-0": 1, "dropout/seed-1": 1}


def test_other_settings_are_another_run_beside_the_former(study):
    for rate in (0.5, 0.3):
        training = study.begin(key=f"0123{rate}", settings={"dropout": {"hidden_rate": rate}})
        training.epochs(4)
        training.finish()
    mirror(study.root, {})
    assert {run["params"]["dropout.hidden_rate"] for run in study.runs()["dropout"]} == {"0.5", "0.3"}


def test_an_entry_put_aside_and_its_successor_are_two_runs(study):
    training = study.begin(key="0123")
    training.epochs(4)
    mirror(study.root, {})
    training.finish()
    training.entry.rename(training.entry.with_name("0123-1700000000000000000"))
    again = study.begin(key="0123")
    again.epochs(1)
    assert mirror(study.root, {}) == []
    assert sorted(run["status"] for run in study.runs()["dropout"]) == ["FINISHED", "RUNNING"]
    assert [entry.parent.name for entry in (study.root / ".reglab" / "journal").glob("*/run.json")] == ["0123"]


def test_an_entry_that_is_begun_anew_while_it_is_mirrored_stays(study):
    training = study.begin()
    training.epochs(4)
    training.finish()
    with training.lock:
        mirror(study.root, {})
        assert study.run("dropout")["status"] == "FINISHED" and training.entry.exists()
    mirror(study.root, {})
    assert not training.entry.exists() and study.run("dropout")["status"] == "FINISHED"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", ""),
        ("run.json", "[1]"),
        ("run.json", '{"key": "bad"}'),
        ("record.json", "{"),
        ("record.json", "{}"),
        ("seed-0.jsonl", "\x00\xff\nnot json\n[]\n"),
    ],
)
def test_a_broken_entry_keeps_no_other_out(study, file, content):
    bad, good = study.begin("bad", key="00"), study.begin()
    (bad.entry / file).write_text(content)
    good.epochs(4)
    good.finish()
    (study.root / ".reglab" / "journal" / "empty").mkdir()
    problems = mirror(study.root, {})
    assert study.run("dropout")["status"] == "FINISHED" and not good.entry.exists()
    assert bad.entry.exists()
    assert len(problems) == (file != "seed-0.jsonl") and all(str(bad.entry) in line for line in problems)


def test_records_without_curves_get_runs_with_their_numbers_and_figures(study):
    baseline = study.begin("logistic_regression", family="baselines", technique=["logistic_regression"])
    baseline.finish()
    checks = [{"name": "prox |w| = soft/hard", "gap": 2e-17, "tolerance": 1e-12, "passed": True, "technique": "l1"}]
    checks += [{"name": "the bound holds", "gap": None, "tolerance": 0.1, "passed": False}]
    settings = {"lasso": {"points": 20}}
    theory = study.begin("lasso", family="theory", technique=[], dataset={}, seeds=0, settings=settings)
    folder = study.root / "runs" / "theory" / "lasso"
    folder.mkdir(parents=True)
    (folder / "figure.svg").write_text("<svg/>")
    theory.finish(numbers={"share of zeros": 0.25}, checks=checks, cost={})
    assert mirror(study.root, {}) == []
    assert {run["status"] for (run,) in study.runs().values()} == {"FINISHED"}
    seeds = {"logistic_regression/seed-0", "logistic_regression/seed-1"}
    assert study.runs().keys() == {"lasso", "logistic_regression"} | seeds
    assert study.artifacts(study.run("logistic_regression")) == {"record.json"}
    lasso = study.run("lasso")
    assert study.artifacts(lasso) == {"record.json", "figure.svg"}
    assert rows(lasso, "values/share of zeros") == [(0, 0.25)] and rows(lasso, "checks_failed") == [(0, 1)]
    assert lasso["tags"]["failed_checks"] == "the bound holds" and "**fails**" in lasso["tags"]["mlflow.note.content"]


def test_what_is_mirrored_live_is_what_sync_finds(study):
    training = study.begin()
    training.epochs(4)
    training.finish()
    assert study.sync("regularizers/dropout").endswith("1 restored, 0 already there")
    before = study.runs()
    assert study.sync("regularizers/dropout").endswith("0 restored, 1 already there")
    assert study.runs() == before
