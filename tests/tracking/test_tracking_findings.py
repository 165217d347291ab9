"""Verdicts, the report and the views: added to MLflow beside the records, brought up to date, and once more nothing."""

import json

from mlflow.tracking import MlflowClient

from reglab.tracking.mirror import views
from reglab.tracking.mirror.verdict_tags import comparisons, numbers, verdict_tags

HELPS = {"verdict": "helps", "difference": 0.02, "low": 0.01, "high": 0.03}
DEPTH = {
    "verdict": "hurts",
    "reference": "depth_only",
    "difference": 0.1,
    "difference_low": 0.05,
    "difference_high": None,
}
TASKS = {"comparisons": {"test_depth_rmse": DEPTH, "test_depth_rmse@16": DEPTH | {"verdict": "cannot tell"}}}


def report(study, **rows) -> None:
    (study.root / "reports" / "figures").mkdir(parents=True, exist_ok=True)
    (study.root / "reports" / "index.html").write_text("<p>the answer")
    (study.root / "reports" / "metrics.json").write_text(json.dumps({"regularizers": rows, "warnings": ["few seeds"]}))


def latest(run: dict) -> dict[str, float]:
    return {key: value for key, _, value, _ in sorted(run["metrics"], key=lambda row: row[3])}


def test_a_verdict_stands_on_its_run_and_follows_the_report(study):
    study.publish("dropout")
    report(study, dropout=HELPS)
    study.sync("regularizers/dropout")
    run = study.run("dropout")
    assert run["tags"]["verdict"] == "helps" and run["tags"]["versus"] == "none"
    assert latest(run)["versus/test_accuracy"] == 0.02 and run["tags"]["interval"] == "+0.0100 to +0.0300"
    assert "**helps**: test_accuracy +0.0200 (+0.0100 to +0.0300) against none" in run["tags"]["mlflow.note.content"]
    before = study.runs()
    study.sync("regularizers/dropout")
    assert study.runs() == before
    report(study, dropout=HELPS | {"verdict": "cannot tell", "low": -0.01})
    study.sync("regularizers/dropout")
    run = study.run("dropout")
    assert run["tags"]["verdict"] == "cannot tell" and run["tags"]["interval"] == "-0.0100 to +0.0300"
    assert "helps" not in run["tags"]["mlflow.note.content"]


def test_an_experiment_leaves_the_verdicts_of_shared_runs_alone(study, monkeypatch):
    study.publish("dropout")
    report(study, dropout=HELPS)
    study.sync("regularizers/dropout")
    monkeypatch.setenv("DVC_EXP_NAME", "softer")
    report(study, dropout=HELPS | {"verdict": "hurts"})
    study.sync("regularizers/dropout")
    assert study.run("dropout")["tags"]["verdict"] == "helps"
    assert study.run("report [softer]")["tags"]["dvc_experiment"] == "softer"
    assert "dvc_experiment" not in study.run("report")["tags"]


def test_every_number_of_labels_has_its_difference_and_the_verdict_is_of_all(study):
    result = list(comparisons(TASKS))
    assert verdict_tags(result) == {"verdict": "hurts", "versus": "depth_only", "interval": ""}
    assert numbers(result) == {"versus/test_depth_rmse": 0.1, "versus/test_depth_rmse_16": 0.1}
    two = list(comparisons({"comparisons": {"test_iou": HELPS, "test_depth_rmse": DEPTH | {"difference_high": 0.2}}}))
    assert verdict_tags(two)["verdict"] == "test_iou: helps, test_depth_rmse: hurts"
    assert verdict_tags(two)["interval"] == "test_iou: +0.0100 to +0.0300, test_depth_rmse: +0.0500 to +0.2000"


def test_an_end_at_zero_has_no_sign():
    result = list(comparisons(HELPS | {"low": -0.02469, "high": -1e-9}))
    assert verdict_tags(result)["interval"] == "-0.0247 to 0.0000"


def test_what_others_are_compared_with_has_no_interval():
    result = list(comparisons({"verdict": "reference", "difference": 0.0, "low": 0.0, "high": 0.0}))
    assert verdict_tags(result) == {"verdict": "reference", "versus": "none", "interval": ""}


def test_a_map_counts_its_cells_and_a_cocktail_is_judged_as_a_whole():
    cells = {"100x0.0x32": DEPTH | {"verdict": "helps"}, "900x0.0x32": HELPS, "900x0.4x32": DEPTH}
    result = list(comparisons({"cells": cells}))
    assert verdict_tags(result) == {"verdict": "2 x helps, 1 x hurts"}
    assert numbers(result)["versus/test_accuracy_900x0.0x32"] == 0.02
    one = {"without": HELPS | {"verdict": "cannot tell"}, "only": HELPS}
    result = list(comparisons({"full": HELPS, "ingredients": {"dropout": one}}))
    assert verdict_tags(result) == {"verdict": "helps", "versus": "none", "interval": "+0.0100 to +0.0300"}
    assert numbers(result)["versus/test_accuracy_without_dropout"] == 0.02


def test_the_report_is_one_run_that_has_its_files_as_they_are(study):
    report(study)
    (study.root / "reports" / "figures" / "old.svg").write_text("<svg/>")
    (study.root / "reports" / "pages").mkdir()
    (study.root / "reports" / "pages" / "ran.html").write_text("<p>what ran")
    study.sync()
    first = study.run("report")
    assert first["status"] == "FINISHED" and first["tags"]["kind"] == "report"
    assert study.artifacts(first) == {"index.html", "metrics.json", "pages", "figures"}
    study.sync()
    assert study.run("report") == first
    (study.root / "reports" / "figures" / "old.svg").rename(study.root / "reports" / "figures" / "new.svg")
    study.sync()
    second = study.run("report")
    figures = study.root / "mlartifacts" / second["id"] / "artifacts" / "figures"
    assert second["id"] != first["id"] and [path.name for path in figures.iterdir()] == ["new.svg"]


def test_the_experiment_says_where_to_look_and_its_views_find_what_they_are_for(study):
    study.publish("dropout")
    study.publish("joint", family="multitask")
    study.publish("lasso", family="theory", seeds=0)
    report(study, dropout=HELPS)
    study.sync("regularizers/dropout", "multitask/joint", "theory/lasso")
    client = MlflowClient(f"sqlite:///{study.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("reglab")
    assert "viewStateShareKey=recipes" in experiment.tags["mlflow.note.content"]
    result = {}
    for key in views.VIEWS:
        state = json.loads(json.loads(experiment.tags[views.VIEW + key])["state"])
        runs = client.search_runs([experiment.experiment_id], state["searchFilter"], order_by=[state["orderByKey"]])
        result[key] = [run.info.run_name for run in runs]
    assert result == {"recipes": ["dropout"], "few_labels": [], "tasks": ["joint"], "checks": ["lasso"]}


def test_a_view_begins_with_its_numbers_as_charts_and_the_interval_is_none_of_them():
    for view in views.VIEWS.values():
        view = views.at_labels(view, (1, 10))
        state = json.loads(json.loads(views.saved(view))["state"])
        sections = [section["uuid"] for section in state["compareRunSections"]]
        assert sections == ["results", "curves"]
        drawn = {chart["metricKey"] for chart in state["compareRunCharts"] if chart["metricSectionId"] == "results"}
        assert {f"metrics.`{name}`" for name in drawn} == set(view.columns) - {*views.RUN, *views.INTERVAL}


def test_views_sort_by_the_metric_that_decides_the_best_first_and_draw_the_curves_of_its_task():
    by = {
        name: json.loads(json.loads(views.saved(views.VIEWS["recipes"], name))["state"]) for name in ("auroc", "rmse")
    }
    orders = {name: (state["orderByKey"], state["orderByAsc"]) for name, state in by.items()}
    assert orders == {"auroc": ("metrics.`test_auroc`", False), "rmse": ("metrics.`test_rmse`", True)}
    assert "metrics.`versus/test_rmse`" in by["rmse"]["selectedColumns"] and "accuracy" not in json.dumps(by["rmse"])
    assert views.experiment_tags("1", "rmse")["mlflow.experiment.primaryMetric.name"] == "test_rmse"


def test_the_view_of_few_labels_has_the_columns_of_the_fewest_and_the_most_of_the_study():
    tags = views.experiment_tags("1", "rmse", (10, 30, 100))
    columns = json.loads(json.loads(tags[views.VIEW + "few_labels"])["state"])["selectedColumns"]
    assert columns[-2:] == ["metrics.`test_rmse_10`", "metrics.`test_rmse_100`"]
    assert "fewest" not in json.dumps(tags) and "test_accuracy" not in json.dumps(tags)


def test_the_address_of_a_view_is_that_of_the_description(study):
    study.sync()
    experiment = MlflowClient(f"sqlite:///{study.root / 'mlflow.db'}").get_experiment_by_name("reglab")
    assert f"({views.link(experiment.experiment_id)})" in experiment.tags["mlflow.note.content"]
    assert views.VIEW + "recipes" in experiment.tags


def test_a_metric_of_any_name_and_a_long_list_of_checks_are_taken(study):
    checks = [{"name": f"check {n}", "gap": 0.0, "tolerance": 1e-6, "passed": n != 7} for n in range(300)]
    odd = {"test_accuracy@900x0.4x256": {"mean": 0.9}, "best(k=3), %/fold": {"mean": 1.0}}
    training = study.begin("none", family="regimes")
    training.epochs(1)
    training.finish(summary=odd, checks=checks)
    assert "1 restored" in study.sync("regimes/none")
    run = study.run("none")
    assert latest(run)["test_accuracy_900x0.4x256"] == 0.9 and latest(run)["best_k_3__ _/fold"] == 1.0
    note = run["tags"]["mlflow.note.content"]
    assert "300 checks, of which 1 fail" in note and "check 7 |" in note and len(note) < 2000
