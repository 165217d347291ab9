"""The description of the suite's experiment in MLflow, and its saved views."""

from reglab.tracking.mirror.content import NOTE
from reglab.tracking.mirror.views import VIEW, View, bars, link, metric, shared

DATA_SET, RECIPE = "reglab.data_set", "reglab.recipe"  # tags
EFFECT = metric("effect/effect", "effect/low", "effect/high")
VIEWS = {
    "effects": View(
        "1 Recipes on each data set",
        "the share of the errors of tuned none that a recipe takes away on a data set, with its interval",
        "tags.kind != 'data set'",
        EFFECT[0],
        ("tags.`kind`", "tags.`verdict`", *EFFECT),
    ),
    "data_sets": View(
        "2 Data sets",
        "what each data set is, how well tuned none does on it, and what its trainings cost",
        "tags.kind = 'data set'",
        "attributes.`run_name`",
        (
            *(f"params.`{name}`" for name in ("kind", "task", "metric", "train_size", "inputs", "classes", "failed")),
            *metric("score", "gap", "cost/trainings", "cost/flops"),
        ),
    ),
}


def experiment_tags(experiment: str) -> dict[str, str]:
    """Description and views of the suite's experiment, which has this id of MLflow's."""
    listed = [f"* [{view.name}]({link(experiment, key)}): {view.purpose}" for key, view in VIEWS.items()]
    page = "**The page** with the verdicts over all data sets is `reports/suite.html`, which reads no runs."
    about = "**Where to look** (unfold this): a run is a data set of the suite; its recipes are nested below it."
    tags = {"mlflow.experimentKind": "custom_model_development", NOTE: "\n".join([about, "", *listed, "", page])}
    return tags | {VIEW + key: shared(view, key == "data_sets", charts(view), {}) for key, view in VIEWS.items()}


def charts(view: View) -> list[dict]:
    return [bars(column) for column in view.columns if column.startswith("metrics.")]
