"""The metrics that may decide the verdicts of a study: what `evaluation.metric` in params.yaml may name, a row each."""

from dataclasses import dataclass
from typing import Literal

from reglab.core.task_names import TaskName


@dataclass(frozen=True, kw_only=True)
class DecidingMetric:
    """What the project knows of a metric besides its formula, which is in `evaluation/metrics.py`.

    `title`: its name in a sentence. `unit`: fractions are shown in percent, their differences in points.
    `relevant_difference`: the default of `evaluation.relevant_difference`, below which a difference does not matter.
    """

    name: str
    title: str
    direction: Literal["higher", "lower"]  # which values are better
    unit: Literal["fraction", "nats", "squared error", "share of the variance", "unit of the target"]
    low: float  # the ends of its range
    high: float
    relevant_difference: float
    task: TaskName

    @property
    def sign(self) -> int:
        """The factor that makes higher values better."""
        return 1 if self.direction == "higher" else -1


# What matters by default. A fraction: half a point, as of accuracy, where it is one example in two hundred. The Brier score
# lies between 0 and 2, and one example in two hundred that goes from certainly wrong to certainly right moves it by 0.01.
# The loss: 0.01 nats, which change the probability of the right class by one percent (its geometric mean over examples).
# R²: half a percent of the variance. An error in the unit of the target: any real difference, for the table cannot know the
# unit; `reglab new` writes one percent of the standard deviation of the target into the profile. Of labels: fractions as of
# classes; the Brier score of a label lies between 0 and 1, so half of that of classes; the loss as that of classes.
DECIDING = {
    metric.name: metric
    for metric in (
        DecidingMetric(
            name="accuracy", title="accuracy", direction="higher", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="classification",
        ),
        DecidingMetric(
            name="balanced_accuracy", title="balanced accuracy", direction="higher", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="classification",
        ),
        DecidingMetric(
            name="macro_f1", title="macro F1", direction="higher", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="classification",
        ),
        DecidingMetric(
            name="auroc", title="AUROC", direction="higher", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="classification",
        ),
        DecidingMetric(
            name="average_precision", title="average precision", direction="higher", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="classification",
        ),
        DecidingMetric(
            name="nll", title="loss", direction="lower", unit="nats", low=0, high=float("inf"),
            relevant_difference=0.01, task="classification",
        ),
        DecidingMetric(
            name="brier", title="Brier score", direction="lower", unit="squared error", low=0, high=2,
            relevant_difference=0.01, task="classification",
        ),
        DecidingMetric(
            name="rmse", title="root mean squared error", direction="lower", unit="unit of the target", low=0,
            high=float("inf"), relevant_difference=0, task="regression",
        ),
        DecidingMetric(
            name="mae", title="mean absolute error", direction="lower", unit="unit of the target", low=0,
            high=float("inf"), relevant_difference=0, task="regression",
        ),
        DecidingMetric(
            name="r2", title="R²", direction="higher", unit="share of the variance", low=float("-inf"), high=1,
            relevant_difference=0.005, task="regression",
        ),
        DecidingMetric(
            name="multilabel_average_precision", title="mean average precision", direction="higher", unit="fraction", low=0,
            high=1, relevant_difference=0.005, task="multilabel",
        ),
        DecidingMetric(
            name="multilabel_auroc", title="mean AUROC", direction="higher", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="multilabel",
        ),
        DecidingMetric(
            name="multilabel_f1", title="mean F1", direction="higher", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="multilabel",
        ),
        DecidingMetric(
            name="subset_accuracy", title="subset accuracy", direction="higher", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="multilabel",
        ),
        DecidingMetric(
            name="hamming_loss", title="Hamming loss", direction="lower", unit="fraction", low=0, high=1,
            relevant_difference=0.005, task="multilabel",
        ),
        DecidingMetric(
            name="binary_cross_entropy", title="binary cross-entropy", direction="lower", unit="nats", low=0,
            high=float("inf"), relevant_difference=0.01, task="multilabel",
        ),
        DecidingMetric(
            name="multilabel_brier", title="Brier score of labels", direction="lower", unit="squared error", low=0, high=1,
            relevant_difference=0.005, task="multilabel",
        ),
    )
}  # fmt: skip
NAMES = tuple(DECIDING)


def names_of(task: TaskName) -> tuple[str, ...]:
    """The metrics that may decide a study of this task."""
    return tuple(name for name, metric in DECIDING.items() if metric.task == task)
