"""The description of the experiment, and the views that the MLflow UI offers under "Views".

A view is a tag of the experiment: which runs, in what order, with which columns. Those that a user saved stay.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from reglab.core.task_names import CURVES
from reglab.evaluation.metric_table import DECIDING
from reglab.tracking.mirror.content import NOTE

VIEW = "mlflow.sharedViewState."
RUN = ("tags.`family`", "tags.`verdict`")
INTERVAL = ("tags.`interval`",)
DEFAULT = "recipes"  # the view to open first
BARS = 40  # the most runs that a bar chart shows
WIDTHS = {"tags.`verdict`": 140, "tags.`interval`": 160}
WIDTHS |= {"metrics.`training_cost/relative_to_none`": 220}


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
    return metric(f"versus/{name}")


def link(experiment: str, view: str = DEFAULT) -> str:
    """The address of a view, behind that of the server; `experiment` is MLflow's id.

    MLflow's plain list of runs always begins with the same columns (created, dataset, duration, source, models): which
    others are shown is kept by the browser, or by a view.
    """
    return f"#/experiments/{experiment}/runs?viewStateShareKey={view}"


ACCURACY = "test_accuracy"  # in the views below, in whose place stands the metric that decides
LABELLED = ("test_accuracy_fewest", "test_accuracy_most")  # in whose place stand those at the fewest and most labels
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
            *INTERVAL,
            *metric("training_cost/relative_to_none", "test_ece"),
        ),
    ),
    "few_labels": View(
        "2 Few labels",
        "transfer and semi-supervised methods against training from scratch, the mean over numbers of labels and each alone",
        "tags.versus LIKE '%from_scratch'",
        "metrics.`test_accuracy`",
        (
            *RUN,
            *metric("test_accuracy"),
            *versus("test_accuracy"),
            *INTERVAL,
            *metric(*LABELLED),
        ),
    ),
    "tasks": View(
        "3 Several tasks",
        "segmentation (IoU, more is better) and depth (RMSE, less is better) against one task alone",
        "tags.family = 'multitask' AND tags.kind = 'recipe'",
        "metrics.`test_iou`",
        (
            *RUN,
            *metric("test_iou"),
            *versus("test_iou"),
            *metric("test_depth_rmse"),
            *versus("test_depth_rmse"),
            *INTERVAL,
        ),
    ),
    "checks": View(
        "4 The lecture's formulas",
        "every topic of theory; checks that fail, and its figure under Artifacts",
        "tags.kind = 'theory'",
        "attributes.`run_name`",
        metric("checks_failed"),
    ),
}


def curve(name: str) -> dict:
    """A chart of the mean over seeds of a curve, by epoch."""
    key = f"training/{name}"
    return card("LINE", key, "curves") | {"selectedMetricKeys": [key], "displayName": name}


def bars(column: str) -> dict:
    """A chart of a column of numbers, a bar a run."""
    key = column.removeprefix("metrics.").strip("`")
    return card("BAR", key, "results") | {"displayName": key, "runsCountToCompare": BARS}


def card(kind: str, key: str, section: str) -> dict:
    return {
        "uuid": f"{section}-{key}",
        "type": kind,
        "metricSectionId": section,
        "metricKey": key,
        "deleted": False,
        "isGenerated": True,
    }


def experiment_tags(experiment: str, metric: str = "accuracy", labels: Sequence[int] = (1, 10)) -> dict[str, str]:
    """Description and views of the experiment with this id of MLflow's, in which `metric` decides the verdicts.

    `labels`: the numbers of labels, in rising order, with which entries are trained that learn from few.
    """
    tags = {
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.experiment.primaryMetric.name": f"test_{metric}",
    }
    return (
        tags
        | {NOTE: description(experiment)}
        | {VIEW + key: saved(view, metric, labels) for key, view in VIEWS.items()}
    )


def at_labels(view: View, labels: Sequence[int]) -> View:
    """The view with the columns of the fewest and the most of these numbers of labels."""
    named = dict(zip(metric(*LABELLED), metric(*(f"{ACCURACY}_{labels[end]}" for end in (0, -1))), strict=True))
    return view._replace(columns=tuple(dict.fromkeys(named.get(column, column) for column in view.columns)))


def decided_by(view: View, metric: str) -> View:
    """The view with this metric in the place of the accuracy."""
    columns = tuple(dict.fromkeys(column.replace(ACCURACY, f"test_{metric}") for column in view.columns))
    purpose = view.purpose.replace("test accuracy", f"test {DECIDING[metric].title}")
    return view._replace(purpose=purpose, order=view.order.replace(ACCURACY, f"test_{metric}"), columns=columns)


def description(experiment: str) -> str:
    listed = [
        f"* [{view.name}]({link(experiment, key)}) ([charts]({link(experiment, key)}&compareRunsMode=CHART)): {view.purpose}"
        for key, view in VIEWS.items()
    ]
    return "\n".join(
        [
            "**Where to look** (unfold this): a run is a recipe, an entry of params.yaml. Its seeds are"
            " nested below it where they are runs too.",
            "",
            *listed,
            "",
            "The same are under **Views**. To see all recipes without their seeds, search `tags.kind = 'recipe'`; to see one"
            " experiment of DVC, `tags.dvc_experiment = '<name>'`.",
            "",
            "**To compare metrics**, open the charts of a view and hide the recipes that you do not look at. **To compare"
            " settings**, tick recipes and press Compare; *Show diff only* leaves the settings that differ, metrics and tags"
            " are below. Metrics are means over seeds, `training/...` per epoch; numbers are rounded to four digits, exact"
            " ones are in the record. Seeds are paired between recipes, so what counts is `versus/...`, the paired"
            " difference to what the tag `versus` names, its `interval` and the `verdict`.",
            "",
            "**The report** with all verdicts and figures: run [report]"
            f"(#/experiments/{experiment}/runs?searchFilter=tags.kind%20%3D%20'report'), Artifacts, `index.html`.",
        ]
    )


def saved(view: View, metric: str = "accuracy", labels: Sequence[int] = (1, 10)) -> str:
    """As the UI of MLflow 3 saves a view; its creation time decides its place in the list, the first on top."""
    view, about = decided_by(at_labels(view, labels), metric), DECIDING[metric]
    ascending = view.order.startswith("attributes") or (
        about.direction == "lower" and view.order.endswith(f"test_{metric}`")
    )
    numbers = [column for column in view.columns if column.startswith("metrics.")]
    charts = [bars(column) for column in numbers] + [curve(name) for name in CURVES[about.task]]
    return shared(view, ascending, charts, {f"metrics.`versus/test_{metric}`": 150})


def shared(view: View, ascending: bool, charts: list[dict], widths: dict[str, int]) -> str:
    """The text of the tag by which MLflow knows the view."""
    state = {
        "searchFilter": view.condition,
        "orderByKey": view.order,
        "orderByAsc": ascending,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": list(view.columns),
        "columnOrder": list(view.columns),
        "columnWidths": WIDTHS | widths,
        "runsHiddenMode": "SHOW_ALL",
        "compareRunSections": [
            {"uuid": "results", "name": "results", "display": True},
            {"uuid": "curves", "name": "training", "display": True},
        ],
        "compareRunCharts": charts,
    }
    place = 10 - int(view.name[0])
    return json.dumps({"name": view.name, "createdAt": place, "updatedAt": place, "state": json.dumps(state)})
