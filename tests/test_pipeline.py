"""The pipeline as a user meets it: real `dvc` commands on a small copy of this very checkout."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checkout import NAMES, ROOT, TOOLS, Checkout
from fire import under_fire

from reglab.config import params
from reglab.core.families import stage_name
from reglab.runtime import warm

pytestmark = pytest.mark.stress


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished small study, as it stood after its first repro; tests leave it as they found it."""
    with warm.server() as address:
        checkout = Checkout(tmp_path_factory.mktemp("study"), address)
        checkout.repro()
        yield checkout


def test_the_stages_are_the_entries_of_params_yaml():
    settings = params.load(ROOT / "params.yaml")
    wanted = {stage_name(family, name) for family, name in settings.expected()}
    listed = subprocess.run(
        [TOOLS / "dvc", "stage", "list", "--name-only"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    once = {"code", "check", "prepare", "topics", "text", "scenes", "members", "evaluate", "report", "mirror"}
    assert set(listed) == wanted | once


def test_nothing_edited_nothing_runs(done):
    assert done.repro() == []


@pytest.mark.parametrize("command", ["dvc", "reglab"])
def test_a_run_ends_with_the_answer_once_however_it_is_called(done, command):
    written = done.folder / "reports" / "answer.txt"
    before = written.read_text()
    written.write_text("an older answer\n")
    code, output = done.run(command, "repro", "--single-item", "--force", "report", "mirror")
    assert code == 0 and written.read_text() == before and "against none" in before
    assert output.count(before) == output.count("The report: ") == 1, output
    assert f"{before}The report: {done.folder.resolve()}/reports/index.html" in output


def test_a_run_of_a_clone_leaves_no_tracked_file_changed(done, tmp_path):
    done.git("add", "-A")
    done.git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "what the run has made")
    clone = Checkout.__new__(Checkout)
    clone.folder, clone.warm = tmp_path / "clone", done.warm
    subprocess.run(["git", "clone", "-q", done.folder, clone.folder], check=True)
    assert "train@dropout" in clone.repro(), "a clone has no records"
    for checkout in (clone, done):
        assert checkout.repro() == []
        assert checkout.run("git", "status", "--porcelain") == (0, "")


ALWAYS = {"code", "check", "evaluate", "report", "mirror"}  # what every edit of an entry runs


def test_an_edit_runs_its_stage_and_what_follows_from_it_and_a_deleted_entry_leaves_the_report(done):
    """Three edits on top of each other: a number, a pretext, an entry less; then none of them."""
    before = (done.folder / "params.yaml").read_bytes()
    done.edit(lambda all: all["regularizers"]["dropout"].update(hidden_rate=0.3))
    # `members` looks at all recipes, and finds that no ensemble has other members: so no ensemble runs
    assert set(done.repro()) == ALWAYS | {"train@dropout", "members"}
    done.edit(lambda all: all["pretraining"]["masked"].update(patch_size=4))
    assert set(done.repro()) == ALWAYS | {"pretraining@masked", "transfer@masked_tuned"}
    done.edit(lambda all: all["regularizers"].pop("l1"))
    assert not any("@" in stage for stage in done.repro())
    assert set(done.metrics()["regularizers"]) == {"none", "dropout"}
    assert not [
        page for page in (done.folder / "reports").rglob("*.html") if ">l1<" in page.read_text(encoding="utf-8")
    ]
    (done.folder / "params.yaml").write_bytes(before)
    assert not any("@" in stage for stage in done.repro()), "DVC keeps the former records"


def forced(done, *arguments: str) -> set[str]:
    """The stages that ran again, each in a process of its own."""
    address, done.warm = done.warm, {}
    stages = set(done.repro("--force", *arguments))
    done.warm = address
    return stages


def test_an_edit_of_a_range_searches_this_technique_again_and_trains_no_other(done):
    before = (done.folder / "params.yaml").read_bytes()
    ranges = {"none": {}, "dropout": {"hidden_rate": [0.1, 0.5]}, "l1": {"strength": [0.01, 0.1]}}
    done.edit(lambda all: all.update(tuned=ranges, tuning={"seeds": 1, "settings": 2}))
    assert set(done.repro()) == ALWAYS | {"tune@none", "tune@dropout", "tune@l1"}
    done.edit(lambda all: all["tuned"]["dropout"].update(hidden_rate=[0.1, 0.4]))
    assert set(done.repro()) == ALWAYS | {"tune@dropout"}
    assert set(done.metrics()["tuned"]) == set(ranges)
    (done.folder / "params.yaml").write_bytes(before)
    assert not any("@" in stage for stage in done.repro())


def test_forced_and_in_processes_of_their_own_stages_leave_the_same_to_the_byte(done):
    first, stages = (
        (done.folder / "dvc.lock").read_bytes(),
        ("train@dropout", "pretraining@masked", "evaluate", "report"),
    )
    assert forced(done, "--single-item", *stages) == set(stages)
    assert (done.folder / "dvc.lock").read_bytes() == first


@under_fire
def test_forced_and_in_processes_of_their_own_all_stages_leave_the_same_to_the_byte(done):
    first = (done.folder / "dvc.lock").read_bytes()
    assert "train@dropout" in forced(done)
    assert (done.folder / "dvc.lock").read_bytes() == first


def test_trained_ahead_of_dvc_stages_leave_the_same_to_the_byte(done):
    made, before = done.outputs(), (done.folder / "params.yaml").read_bytes()
    for folder in ("runs", ".dvc/cache"):
        remove(done.folder / folder)
    done.edit(lambda all: all.update(processes=2))
    code, output = done.run("reglab", "repro")
    (done.folder / "params.yaml").write_bytes(before)
    assert code == 0 and "Traceback" not in output, output
    trained = {file.stem for file in (done.folder / ".reglab" / "ahead").glob("*.jobs")}
    assert {"train@dropout", "train@l1", "transfer@masked_tuned"} <= trained, "only the first one begins by itself"
    done.repro()
    assert done.outputs() == made


def wait_for_an_epoch(checkout) -> None:
    journal, deadline = checkout.folder / ".reglab" / "journal", time.monotonic() + 120
    while not any(file.stat().st_size for file in journal.glob("*/seed-*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)


def remove(folder: Path) -> None:
    """Remove a folder in which the process that follows the journal may still write."""
    deadline = time.monotonic() + 30
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)
    assert not folder.exists()


def test_repro_after_a_signal_ends_its_stage_and_publishes_nothing(done):
    before = (done.folder / "params.yaml").read_bytes()
    record = done.folder / "runs" / "regularizers" / "none" / "record.json"
    done.edit(lambda all: all["training"].update(epochs=100_000))
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = done.start("reglab", "repro", "train@none")
        wait_for_an_epoch(done)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == code and "Interrupted" in output and "Traceback" not in output, output
        assert not record.exists() and not list(record.parent.parent.glob(".*partial")), (
            "DVC removed it, as before every run"
        )
        remove(done.folder / ".reglab" / "journal")
    (done.folder / "params.yaml").write_bytes(before)
    done.repro()


def test_a_profile_is_a_study_of_its_own(done):
    before = (done.folder / "params.yaml").read_bytes()
    files = {path: path.stat().st_mtime_ns for path in (done.folder / "runs").rglob("*")}
    smaller = {"training": {"epochs": 1}, "baselines": {}, "pretraining": {}, "transfer": {}}
    done.edit(lambda all: all.update(profiles={"tiny": smaller}))
    code, output = done.run("reglab", "repro", "--profile", "tiny")
    again, messages = done.run("reglab", "repro", "--profile", "tiny")
    (done.folder / "params.yaml").write_bytes(before)
    assert code == again == 0, output
    assert "profiles/tiny/reports/index.html" in output and "Running stage" not in messages
    record = json.loads((done.folder / "profiles/tiny/runs/regularizers/dropout/record.json").read_text())
    assert record["settings"]["training"]["epochs"] == 1 and (done.folder / "profiles/tiny/mlflow.db").exists()
    assert {path: path.stat().st_mtime_ns for path in (done.folder / "runs").rglob("*")} == files
    shutil.rmtree(done.folder / "profiles")


@under_fire  # tests/test_experiments.py has experiments that were queued, which run in temporary workspaces too
def test_an_experiment_in_a_temporary_workspace_keeps_its_runs_and_shows_its_change(done):
    code, output = done.run(
        "dvc", "exp", "run", "--temp", "-n", "softer", "-S", "regularizers.dropout.hidden_rate=0.25"
    )
    assert code == 0, output
    code, table = done.run("dvc", "exp", "show", "--csv")
    assert "regularizers.dropout.hidden_rate" in table.splitlines()[0] and "softer" in table
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{done.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("reglab").experiment_id
    runs = client.search_runs([experiment], "params.`dropout.hidden_rate` = '0.25' and tags.kind = 'recipe'")
    assert [run.info.status for run in runs] == ["FINISHED"]


def test_problems_in_params_yaml_stop_everything_before_any_work(done):
    before = (done.folder / "params.yaml").read_bytes()
    files = {path: path.stat().st_mtime_ns for path in (done.folder / "runs").rglob("*")}
    wrong = {"droput": {"hidden_rate": 0.5}, "x; touch owned": {}, "dropout": {"hidden_rate": 1.5}}
    done.edit(lambda all: all["regularizers"].update(wrong))
    code, output = done.run("reglab", "check")
    stage_code, stage_output = done.run(sys.executable, "pipelines/check.py")
    repro_code, repro_output = done.run("dvc", "repro")
    (done.folder / "params.yaml").write_bytes(before)
    assert code == stage_code == 2 and repro_code != 0
    for text in (output, stage_output, repro_output):
        assert "Traceback" not in text
        assert "regularizers.droput" in text and "did you mean dropout" in text, text
        assert 'regularizers."x; touch owned"' in text and "unknown name" in text, text
        assert "regularizers.dropout.hidden_rate: found 1.5" in text, text
    assert not (done.folder / "owned").exists()
    assert {path: path.stat().st_mtime_ns for path in (done.folder / "runs").rglob("*")} == files


@pytest.mark.parametrize(
    ("stage", "allowed"),
    [
        ("train@droput", "dropout"),
        ("regime@l1", "allowed"),
        ("trian@none", "did you mean train?"),
        ("none", "train@none"),
    ],
)
def test_an_unknown_name_by_hand_is_a_users_mistake(stage, allowed, done):
    code, output = done.run(sys.executable, "pipelines/experiment.py", stage)
    assert code == 2 and allowed in output and "Traceback" not in output


def test_a_training_after_a_signal_ends_with_143_and_publishes_nothing(done):
    before = (done.folder / "params.yaml").read_bytes()
    record = done.folder / "runs" / "regularizers" / "none" / "record.json"
    published = record.read_bytes()
    done.edit(lambda all: all["training"].update(epochs=100_000))
    process = done.start(sys.executable, "pipelines/experiment.py", "train@none")
    wait_for_an_epoch(done)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    (done.folder / "params.yaml").write_bytes(before)
    assert process.returncode == 143, output
    assert record.read_bytes() == published
    assert not list(record.parent.parent.glob(".*partial"))


def test_metrics_plots_and_params_can_be_shown(done):
    code, metrics = done.run("dvc", "metrics", "show", "--json")
    assert code == 0
    shown, written = json.loads(metrics)[""]["data"], done.metrics()["regularizers"]
    for name in NAMES:
        row = shown[f"reports/summary/regularizers/{name}.json"]["data"]
        for column, number in {
            "value": "test_accuracy",
            "difference": "difference",
            "lower": "low",
            "upper": "high",
        }.items():
            assert row[column] == pytest.approx(written[name][number], abs=5.1e-6)  # five digits after the point
        assert row["verdict"] == written[name]["verdict"]
    code, table = done.run("dvc", "metrics", "show")
    heading, *lines = table.splitlines()
    assert code == 0 and heading.split() == ["Path", "difference", "lower", "upper", "value", "verdict"]
    assert len(lines) == len(shown) and max(map(len, table.splitlines())) <= 140
    code, output = done.run("dvc", "plots", "show", "-o", "plots")
    assert code == 0, output
    page = (done.folder / "plots" / "index.html").read_text()
    assert all(title in page for title in ("Validation error", "Training error")) and '"dropout"' in page
    shutil.rmtree(done.folder / "plots")
