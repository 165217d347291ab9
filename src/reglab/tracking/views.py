"""Where to look: the description of the experiment, and the views that the MLflow UI offers under "Views".

A view is a tag of the experiment: which runs, in what order, with which columns. Those that a user saved stay.
"""

import json
from typing import NamedTuple

from reglab.tracking.content import NOTE

VIEW = "mlflow.sharedViewState."
RUN = ("tags.`family`", "tags.`verdict`")
DIFFERENCE = ("", "_low", "_high")


class View(NamedTuple):
    """A name, what it is for, the runs (MLflow's search language), the column to sort by, further columns."""

    name: str
    purpose: str
    condition: str
    order: str
    columns: tuple[str, ...]


def metric(*names: str) -> tuple[str, ...]:
    return tuple(f"metrics.`{name}`" for name in names)


def versus(name: str) -> tuple[str, ...]:
    return metric(*(f"versus/{name}{end}" for end in DIFFERENCE))


CURVES = ("train_accuracy", "validation_accuracy", "train_nll", "validation_nll")
VIEWS = {
    "recipes": View(
        "1 Recipes against none",
        "one technique or several stacked, classical methods, ensembles: test accuracy, the paired difference, its interval",
        "tags.versus = 'none'",
        "metrics.`test_accuracy`",
        (
            *RUN,
            *metric("test_accuracy"),
            *versus("test_accuracy"),
            *metric("training_cost/relative_to_none", "test_ece"),
        ),
    ),
    "few_labels": View(
        "2 Few labels",
        "transfer and semi-supervised methods against training from scratch, the mean over numbers of labels and each alone",
        "tags.versus LIKE '%from_scratch'",
        "metrics.`test_accuracy`",
        (*RUN, *metric("test_accuracy"), *versus("test_accuracy"), *metric("test_accuracy_1", "test_accuracy_10")),
    ),
    "tasks": View(
        "3 Several tasks",
        "segmentation (IoU, more is better) and depth (RMSE, less is better) against one task alone",
        "tags.family = 'multitask' AND tags.kind = 'recipe'",
        "metrics.`test_iou`",
        (*RUN, *metric("test_iou"), *versus("test_iou"), *metric("test_depth_rmse"), *versus("test_depth_rmse")),
    ),
    "checks": View(
        "4 The lecture's formulas",
        "every topic of theory; checks that fail, and its figure under Artifacts",
        "tags.kind = 'theory'",
        "attributes.`run_name`",
        metric("checks_failed"),
    ),
}


def chart(name: str, shown: bool) -> dict:
    """The mean over seeds of a curve, by epoch."""
    key = f"training/{name}"
    return {
        "uuid": key,
        "type": "LINE",
        "metricSectionId": "curves",
        "metricKey": key,
        "selectedMetricKeys": [key],
        "displayName": name,
        "deleted": not shown,
        "isGenerated": True,
    }


def experiment_tags(experiment: str) -> dict[str, str]:
    """Description and views of the experiment with this id of MLflow's."""
    tags = {
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": "test_accuracy",
    }
    return tags | {NOTE: description(experiment)} | {VIEW + key: saved(view) for key, view in VIEWS.items()}


def description(experiment: str) -> str:
    runs = f"#/experiments/{experiment}/runs"
    listed = [
        f"* [{view.name}]({runs}?viewStateShareKey={key}) ([charts]({runs}?viewStateShareKey={key}&compareRunsMode=CHART)):"
        f" {view.purpose}"
        for key, view in VIEWS.items()
    ]
    return "\n".join(
        [
            "**Where to look** (unfold this): a run is a recipe, an entry of params.yaml; its seeds are nested below it.",
            "",
            *listed,
            "",
            "The same are under **Views**. To see all recipes without their seeds, search `tags.kind = 'recipe'`; to see one"
            " experiment of DVC, `tags.dvc_experiment = '<name>'`.",
            "",
            "**To compare**, tick recipes and press Compare; *Show diff only* leaves the settings that differ."
            " `test_accuracy` is the mean over seeds, `_ci95_low` and `_ci95_high` its 95 % interval; `training/...` are per"
            " epoch, the mean over seeds, `_min` and `_max` their range. Seeds are paired between recipes, so what counts is"
            " `versus/...`, the paired difference to what the tag `versus` names, with `_low` and `_high`, and the tag"
            " `verdict`.",
            "",
            "**The report** with all verdicts and figures: run [report]"
            f"({runs}?searchFilter=tags.kind%20%3D%20'report'), Artifacts, `index.html`.",
        ]
    )


def saved(view: View) -> str:
    """As the UI of MLflow 3 saves a view; its creation time decides its place in the list, the first on top."""
    state = {
        "searchFilter": view.condition,
        "orderByKey": view.order,
        "orderByAsc": view.order.startswith("attributes"),
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(view.columns),
        "columnOrder": list(view.columns),
        "runsHiddenMode": "SHOW_ALL",
        "compareRunSections": [{"uuid": "curves", "name": "training", "display": True}],
        "compareRunCharts": [chart(name + end, shown=not end) for name in CURVES for end in ("", "_min", "_max")],
    }
    place = 10 - int(view.name[0])
    return json.dumps({"name": view.name, "createdAt": place, "updatedAt": place, "state": json.dumps(state)})
