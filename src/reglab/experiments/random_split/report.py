"""The section on the price of the leak: each recipe on random splits and on those of the study."""

from reglab.report.formats import fixed
from reglab.report.leak import claimed
from reglab.report.measure import Interval
from reglab.report.study import Placed, Section, Study, body

METRICS = {
    "test_accuracy": "accuracy",
    "test_balanced_accuracy": "balanced accuracy",
    "test_auroc": "area under the ROC curve",
    "test_nll": "loss, nats",
    "test_rmse": "root mean squared error",
    "test_mae": "mean absolute error",
    "test_r2": "R²",
    "test_hamming_loss": "Hamming loss",
    "test_multilabel_auroc": "area under the ROC curve, the mean over labels",
    "test_binary_cross_entropy": "loss, nats",
}
SPLITS = {"group": "by group", "time": "in time"}
CAUSES = {
    "group": "examples of a group are in training and test at once, so a network may recognise the group alone",
    "time": "the network is trained on examples that are later than those it is tested on",
}


def random_split_section(study: Study) -> Section | None:
    """None where no recipe was trained on random splits."""
    rows = study.metrics.get("random_split", {})
    if not rows:
        return None
    data, measure = study.settings["data"], study.measure
    names = {measure.metric: measure.title} | METRICS
    kept = {name: {key: in_range(row[key], key) for key in names if key in row} for name, row in rows.items()}
    values = {
        "rows": kept,
        "inapplicable": study.inapplicable("random_split"),
        "names": names,
        "measure": measure,
        "shown": lambda x, name: study.score.value(x) if name in ("test_rmse", "test_mae") else fixed(x, 3),
        "claimed": claimed,
        "split": SPLITS[data["split"]],
        "cause": CAUSES[data["split"]],
    }
    values |= {"seeds": study.settings["seeds"], "confidence": study.settings["evaluation"]["confidence"]}
    return Section("random-split", "What a random split would have claimed", body("random_split.html", **values))


def in_range(row: dict, metric: str) -> dict:
    """The row of a metric with the intervals of its two means cut at the ends of the metric's range."""
    return row | {split: Interval.of(row[split]).within(metric)._asdict() for split in ("random", "structured")}


SECTIONS = (Placed(random_split_section, "pages/recipes.html", place=2),)
