"""The names of the metrics that records will hold, known before any training: what a pair or a claim may be about."""

from typing import Literal

from reglab.core.families import sections
from reglab.evaluation.metric_table import DECIDING, names_of
from reglab.evaluation.network_metrics import NETWORK

TRAINED = sections(trains=True)  # no name is in two of these sections
CLASSIFIERS = sections(classifies=True)  # whose records hold class probabilities of test examples
PARTS = ("train", "validation", "test")
GAPS = ("generalization_gap", "generalization_gap_given_labels")
CLASSIFIER = (
    *(f"{part}_{name}" for part in PARTS for name in names_of("classification")),
    *("test_ece", "train_accuracy_true_labels", *GAPS),
)
PREDICTOR = {  # by task, the metrics of every model of it
    "classification": CLASSIFIER,
    "regression": (
        *(f"{part}_{name}" for part in PARTS for name in names_of("regression")),
        *("train_rmse_true_labels", "excess_rmse", "excess_rmse_given_labels"),
    ),
    "multilabel": (
        *(f"{part}_{name}" for part in PARTS for name in names_of("multilabel")),
        *("train_hamming_loss_true_labels", "excess_hamming_loss", "excess_hamming_loss_given_labels"),
    ),
}
COMMITTEE = {  # of one member: the mean over all
    "classification": ("first_member_test_accuracy", "one_member_test_accuracy", "disagreement"),
    "regression": ("first_member_test_rmse", "one_member_test_rmse", "distance_between_members"),
    "multilabel": ("first_member_test_hamming_loss", "one_member_test_hamming_loss", "disagreement"),
}
OWN_METRICS = {  # by task, what the class of an ensemble calls the metrics that only it has
    "classification": "metric_names",
    "regression": "regression_metric_names",
    "multilabel": "multilabel_metric_names",
}
PROBES = ("linear_probe", "neighbour_probe")
TASKS = {"segmentation": ("iou",), "depth": ("depth_rmse", "depth_mae")}
OF_ALL_SEEDS = ("bias_squared", "variance")  # spreads over seeds, so that no seed has one of its own
ROBUST = {"classification": "robust_accuracy", "regression": "robust_rmse"}  # of examples under attack, at an epsilon

HIGHER = (*(name for name, metric in DECIDING.items() if metric.direction == "higher"), "iou", "probe")
LOWER = (
    *(name for name, metric in DECIDING.items() if metric.direction == "lower"),
    *("ece", "gap", "rmse", "mae", "loss", *OF_ALL_SEEDS),
)
# Fractions of 1 that say how good a model is, the depth error with a scene's depth as 1. Losses in nats, norms, spreads and
# shares of weights have other units.
FRACTIONS = (
    *(name for name, metric in DECIDING.items() if metric.unit == "fraction"),
    *("iou", "probe", "ece", "gap", "depth_rmse", "depth_mae"),
)
DECIDES = "test_accuracy"  # unless `evaluation.metric` names another
LABELS = ("_true_labels", "_given_labels")  # which labels a training metric is measured on, at the end of its name


def base_name(metric: str) -> str:
    """The metric without the number of labels or the epsilon: test_accuracy of test_accuracy@5."""
    return metric.partition("@")[0]


def kind(metric: str) -> str:
    """`base_name` without the labels that it is measured on: generalization_gap of generalization_gap_given_labels."""
    name = base_name(metric)
    return next((name.removesuffix(labels) for labels in LABELS if name.endswith(labels)), name)


def better(metric: str) -> Literal["higher", "lower"] | None:
    """Which values are better; None where neither is, as for the norm of the weights. Of a gap it is the smaller size."""
    return "higher" if kind(metric).endswith(HIGHER) else "lower" if kind(metric).endswith(LOWER) else None


def sign(metric: str) -> Literal[1, -1]:
    """The factor that turns a difference of this metric into a gain: -1 where lower is better."""
    return -1 if better(metric) == "lower" else 1


def gained(ends: tuple[float, float], metric: str) -> tuple[float, float]:
    """The interval of the gain, from the `ends` of the interval of the difference."""
    low, high = ends
    return (low, high) if sign(metric) > 0 else (-high, -low)


def is_gap(metric: str) -> bool:
    """Whether sizes are compared: a gap of -0.14 is larger than one of 0.04."""
    return kind(metric).endswith(("gap", "excess_rmse", "excess_hamming_loss"))


def quantity(metric: str) -> str:
    """What is measured, without the part of the data: nll of test_nll@5."""
    return kind(metric).removeprefix("train_").removeprefix("validation_").removeprefix("test_")


def is_fraction(metric: str) -> bool:
    """Whether its unit is that of an accuracy."""
    return kind(metric).endswith(FRACTIONS)


def of_target(metric: str) -> bool:
    """Whether its unit is that of the target, as of an error in a regression."""
    return quantity(metric) in ("rmse", "mae", "excess_rmse", "robust_rmse")


def relevance(metric: str, relevant_difference: float | None = None, decides: str = DECIDES) -> float:
    """The difference below which this metric does not matter.

    `relevant_difference` is that of the metric which `decides`, None: its default in `metric_table`. It also holds for
    other metrics in the same unit where that is a fraction; while a loss decides, fractions have the default of accuracy.
    Any real difference of what has another unit matters: 0.
    """
    if of_target(metric) and of_target(decides):
        return relevant_difference or 0.0
    if not is_fraction(metric) and quantity(metric) != quantity(decides):
        return 0.0
    same_unit = is_fraction(metric) == is_fraction(decides)
    if same_unit and relevant_difference is not None:
        return relevant_difference
    return DECIDING[
        quantity(decides) if same_unit and quantity(decides) in DECIDING else "accuracy"
    ].relevant_difference


def over(metric: str) -> Literal["seeds", "all seeds", "examples"]:
    """The units over which a comparison by this metric is paired."""
    name = base_name(metric)
    return "all seeds" if name in OF_ALL_SEEDS else "examples" if name in ROBUST.values() else "seeds"


def metric_names(values: dict) -> dict[str, tuple[str, list[str]]]:
    """The family and the metrics of the record of every entry that trains over seeds, by the name of the entry.

    `values` are the sections of params.yaml; an invalid entry may be None and has no metrics.
    """
    few, scenes = values.get("few_labels"), values.get("few_scenes")
    labels, scenes = getattr(few, "labels_per_class", ()), getattr(scenes, "labelled", ())
    task = DECIDING[getattr(values.get("evaluation"), "metric", "accuracy")].task
    predictor = (*PREDICTOR[task], *(f"test_{name}" for name in values.get("metrics") or {}))
    by_entry = {}
    for family in TRAINED:
        for name, entry in (values.get(family) or {}).items():
            match family:
                case "baselines":
                    metrics = [*predictor, *OF_ALL_SEEDS]
                case "regularizers" | "combinations":
                    metrics = [*predictor, *NETWORK, *OF_ALL_SEEDS]
                case "ensembles":
                    metrics = [*predictor, *COMMITTEE[task], *getattr(entry, OWN_METRICS[task], ()), *OF_ALL_SEEDS]
                case "transfer" | "semi_supervised":
                    metrics = [*at(predictor, labels), *(name for name in at(OF_ALL_SEEDS, labels) if "@" in name)]
                case "pretraining":
                    metrics = [f"{part}_{probe}" for part in PARTS[1:] for probe in PROBES]
                case _:
                    tasks = [name for task in getattr(entry, "tasks", ()) for name in TASKS[task]]
                    metrics = at([f"{part}_{name}" for part in PARTS for name in tasks], scenes)
            attack = (values.get("attacks") or {}).get(family)
            if attack and task in ROBUST and not getattr(entry, "classes", None):  # a model of some classes only is not
                metrics = [*metrics, *(f"{ROBUST[task]}@{epsilon:g}" for epsilon in attack.epsilons)]
            by_entry[name] = (family, metrics)
    return by_entry


def at(metrics, variants) -> list[str]:
    """Each metric, which is the mean over the variants, and the metric of each variant."""
    return [*metrics, *(f"{metric}@{variant}" for variant in variants for metric in metrics)]
