"""Ablations as the README shows them: real `dvc exp` commands, whose runs are all in the main checkout's MLflow."""

import csv
import io
import json
import shutil
import sys

import pytest
from checkout import Checkout, few_stages

from reglab.runtime import warm

pytestmark = pytest.mark.stress
RATE = "regularizers.dropout.hidden_rate"


@pytest.fixture(scope="module")
def ablated(tmp_path_factory):
    """A small study, one experiment on top of it, and two that were queued and run in temporary workspaces."""
    with warm.server() as address:
        checkout = Checkout(tmp_path_factory.mktemp("ablations"), address)
        checkout.edit(few_stages)
        checkout.repro()
        checkout.git("add", "-A")
        checkout.git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "two recipes")
        for command in (
            ("dvc", "exp", "run", "--queue", "-S", f"{RATE}=0.1,0.2"),
            ("dvc", "exp", "run", "--run-all"),
            ("dvc", "exp", "run", "-n", "softer", "-S", f"{RATE}=0.3"),
        ):
            code, output = checkout.run(*command)
            assert code == 0, output
        yield checkout


def recipes(checkout: Checkout, condition: str) -> list:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{checkout.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("reglab").experiment_id
    return client.search_runs([experiment], f"tags.kind = 'recipe' and {condition}")


def test_a_grid_is_queued_and_every_experiment_stands_in_the_table_with_its_change(ablated):
    code, table = ablated.run("dvc", "exp", "show", "--csv", "--only-changed")
    assert code == 0, table
    rows = list(csv.DictReader(io.StringIO(table)))
    rates = {row["Experiment"]: row[RATE] for row in rows if row["typ"] != "baseline"}
    assert sorted(rates.values()) == ["0.1", "0.2", "0.3"] and rates["softer"] == "0.3"
    columns = set(rows[0])
    assert {f"reports/summary/regularizers/dropout.json:{name}" for name in ("value", "difference")} <= columns
    assert not any("none" in column for column in columns), "what no experiment changes is left out"


def test_runs_of_temporary_workspaces_are_in_the_database_of_the_checkout(ablated):
    for rate in ("0.1", "0.2", "0.3"):
        (run,) = recipes(ablated, f"params.`dropout.hidden_rate` = '{rate}'")
        assert run.info.status == "FINISHED" and run.data.tags["dvc_experiment"]
        assert run.info.run_name == f"dropout [hidden_rate={rate}]"
        assert "test_accuracy" in run.data.metrics and "verdict" in run.data.tags
        assert (ablated.folder / "mlartifacts" / run.info.run_id / "artifacts" / "record.json").exists()
    assert len(recipes(ablated, "tags.dvc_experiment = 'softer'")) == 1, "none was not trained again"


def test_params_and_metrics_of_an_experiment_are_compared_with_the_commit(ablated):
    code, output = ablated.run("dvc", "params", "diff", "--json")
    assert code == 0, output
    assert json.loads(output) == {"params.yaml": {RATE: {"old": 0.5, "new": 0.3, "diff": -0.2}}}
    code, output = ablated.run("dvc", "metrics", "diff", "--json")
    assert code == 0, output
    ((path, changed),) = json.loads(output).items()
    assert path == "reports/summary/regularizers/dropout.json" and {"value", "difference"} <= set(changed)
    for name in ("value", "difference"):
        numbers = changed[name]
        assert numbers["diff"] == pytest.approx(numbers["new"] - numbers["old"])


def test_curves_of_two_revisions_are_drawn_in_one_page(ablated):
    code, output = ablated.run("dvc", "plots", "diff", "HEAD", "softer", "-o", "plots")
    assert code == 0, output
    page = (ablated.folder / "plots" / "index.html").read_text()
    assert '"rev": "softer"' in page and '"rev": "HEAD"' in page and '"recipe": "dropout"' in page
    shutil.rmtree(ablated.folder / "plots")


def test_a_file_that_git_does_not_know_is_told_before_it_is_queued_and_the_table_shows_what_failed(ablated):
    path, params = ablated.folder / "src/reglab/regularizers/mine.py", ablated.folder / "params.yaml"
    former = params.read_bytes()
    path.write_text((path.parent / "placebo.py").read_text(encoding="utf-8"), encoding="utf-8")
    ablated.edit(lambda all: all["regularizers"].update(mine={}))
    command = "import sys; sys.path.insert(0, 'src'); sys.argv[1:] = ['check']; from reglab.cli import main; main()"
    code, output = ablated.run(sys.executable, "-c", command)  # of the copy
    assert code == 0 and "git add src/reglab/regularizers/mine.py" in output, output
    for command in (("--queue", "-n", "fails", "-S", f"{RATE}=0.4"), ("--run-all",)):
        output = ablated.run("dvc", "exp", "run", *command)[1]
    assert "but git does not know it: say git add src/reglab/regularizers/mine.py" in output
    drop = "Created|Executor|params|runs|reports/[^s]|.*:(lower|upper|value)"  # as the README says
    _, table = ablated.run("dvc", "exp", "show", "--csv", "--only-changed", "--drop", drop)
    states = {row["Experiment"]: row["State"] for row in csv.DictReader(io.StringIO(table))}
    assert states["fails"] == "Failed"
    path.unlink()
    params.write_bytes(former)
