"""A metric as people read it: its name, its unit, and which values are better."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from reglab.core.task_names import TaskName
from reglab.evaluation.metric_names import quantity, relevance
from reglab.evaluation.metric_table import DECIDING
from reglab.report.formats import MISSING, exponent_of, fixed, missing, percent, points


class Interval(NamedTuple):
    mean: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, row: dict, mean: str = "mean", low: str = "low", high: str = "high") -> "Interval":
        """The values under these keys; unknown where one is absent."""
        return cls(*(row.get(key) for key in (mean, low, high)))

    def within(self, metric: str) -> "Interval":
        """That of a mean of this metric, cut at the ends of the metric's range, which no mean can leave.

        Student's interval, as records and metrics.json have it, knows no range.
        """
        least, most = range_of(metric)
        low, high = (x if missing(x) else min(max(x, least), most) for x in (self.low, self.high))
        return Interval(self.mean, low, high)


def range_of(metric: str) -> tuple[float, float]:
    """The ends of a metric's range; infinite where they are not known."""
    if row := DECIDING.get(quantity(metric)):
        return row.low, row.high
    return (0.0, 1.0) if quantity(metric).endswith(("accuracy", "iou")) else (-math.inf, math.inf)


@dataclass(frozen=True)
class Measure:
    """`metric` is its name in the records, `title` that in a sentence, `unit` the word behind a number that is no share.

    A `share` is shown in percent, its differences in points; one `of_target` in the unit of the target, with as many decimals
    as show a tenth of what is relevant, else with three significant digits; any other number with three decimals. `best`: the
    best value there is.
    """

    metric: str
    title: str
    share: bool = True
    lower_is_better: bool = False
    unit: str = ""
    best: float = 1.0
    of_target: bool = False
    relevant: float | None = None

    @property
    def task(self) -> TaskName:
        """The task whose metric this is."""
        return DECIDING[quantity(self.metric)].task

    @property
    def scale(self) -> int:
        """What a number is multiplied by in figures."""
        return 100 if self.share else 1

    @property
    def sign(self) -> int:
        """What a difference is multiplied by to be a gain."""
        return -1 if self.lower_is_better else 1

    @property
    def name(self) -> str:
        """What a sentence calls it: test accuracy."""
        return f"test {self.title}"

    @property
    def units(self) -> str:
        """The unit of a difference: points, nats, or none."""
        return "points" if self.share else self.unit

    @property
    def lower_note(self) -> str:
        """What follows the label of an axis whose lower end is the better one; nothing for the others."""
        return " (lower is better)" if self.lower_is_better else ""

    @property
    def error(self) -> str:
        """What `error_of` gives: error for an accuracy, the metric itself where lower is better."""
        if self.lower_is_better:
            return self.title
        return "error" if self.title == "accuracy" else f"1 − {self.title}"

    def error_of(self, x: float | None) -> float | None:
        """How far it is from the best: lower is better."""
        return None if x is None else abs(self.best - x)

    def value_of(self, error: float) -> float:
        """The value whose `error_of` is this."""
        return self.best - self.sign * error

    def errors_of(self, interval: Interval) -> Interval:
        """In the unit of figures."""
        mean, *ends = (self.scale * self.error_of(x) for x in interval)
        return Interval(mean, *sorted(ends))

    def validation(self) -> "Measure":
        """The same on validation data."""
        return replace(self, metric=self.metric.replace("test_", "validation_", 1))

    def at(self, variant: int) -> str:
        """The metric's name in the records."""
        return f"{self.metric}@{variant}"

    def axis(self, words: str) -> str:
        """A label with the unit: validation error, %."""
        unit = "%" if self.share else self.unit
        return f"{words}, {unit}" if unit else words

    def in_units(self, words: str) -> str:
        """A label of a difference: gain in test accuracy, points."""
        return f"{words}, {self.units}" if self.units else words

    def value(self, x: float | None) -> str:
        return percent(x) if self.share else fixed(x, self.decimals(x))

    def decimals(self, x: float | None) -> int:
        """The decimals of a number that is no share."""
        if not self.of_target:
            return 3
        digit = exponent_of(self.relevant) - 1 if self.relevant else exponent_of(x) - 2 if x and not missing(x) else 0
        return min(max(-digit, 0), 6)

    def with_unit(self, x: float | None) -> str:
        unit = "%" if self.share else self.unit
        return f"{self.value(x)}\u00a0{unit}" if unit else self.value(x)

    def difference(self, x: float | None, digits: int = 1) -> str:
        """Signed; `digits` of points."""
        return (
            points(x, digits)
            if self.share
            else fixed(x, self.decimals(x) + (digits - 1) * (not self.of_target), sign="+")
        )

    def range(self, interval: Interval, digits: int = 1) -> str:
        return f"{self.difference(interval.low, digits)} to {self.difference(interval.high, digits)}"

    def amount(self, x: float | None) -> str:
        """A difference with its unit."""
        return f"{self.difference(x)}\u00a0{self.units}" if self.units else self.difference(x)

    def counted(self, number: str) -> str:
        """A difference in digits, with its unit where it has one."""
        return f"{number} {self.units}".rstrip()

    def size(self, x: float | None) -> str:
        """Always positive; of points two digits after the point below one."""
        if missing(x):
            return MISSING
        return fixed(abs(100 * x), 1 if abs(x) >= 0.01 else 2) if self.share else fixed(abs(x), self.decimals(x))

    def sizes(self, interval: Interval) -> tuple[str, str, str]:
        """Of a difference, the size of its mean and of the ends of its interval, the smaller end first."""
        mean, low, high = interval if self.sign > 0 else (interval.mean, interval.high, interval.low)
        return self.size(mean), self.size(low), self.size(high)


@dataclass(frozen=True)
class LabelWords:
    """What label noise changes, in words: labels that are `wrong`, and those that are not."""

    wrong: str
    right: str


CLASS_LABELS = LabelWords("wrong labels", "right labels")
AMOUNTS = LabelWords("exchanged targets", "true targets")  # an amount becomes that of another example


def label_words(metric: str) -> LabelWords:
    """The words of the task of a metric that decides."""
    row = DECIDING.get(metric.removeprefix("test_"))
    return AMOUNTS if row and row.task == "regression" else CLASS_LABELS


ACCURACY = Measure("test_accuracy", "accuracy")
HAMMING_LOSS = Measure("test_hamming_loss", "Hamming loss", lower_is_better=True, best=0.0)
RMSE = Measure("test_rmse", "root mean squared error", share=False, lower_is_better=True, best=0.0, of_target=True)


def deciding(settings: dict) -> Measure:
    """The metric that decides the verdicts, from params.yaml as a mapping."""
    row = DECIDING[settings["evaluation"].get("metric", "accuracy")]
    higher, unit = row.direction == "higher", row.unit if row.unit == "nats" else ""
    return Measure(
        f"test_{row.name}",
        row.title,
        row.unit == "fraction",
        not higher,
        unit,
        row.high if higher else row.low,
        row.unit == "unit of the target",
        settings["evaluation"].get("relevant_difference"),
    )


def score(settings: dict) -> Measure:
    """The metric by which training and test are compared: the accuracy, of labels the Hamming loss, or of amounts the root
    mean squared error.
    """
    decides = deciding(settings)
    if decides.task != "regression":
        return ACCURACY if decides.task == "classification" else HAMMING_LOSS
    return replace(RMSE, relevant=decides.relevant if decides.of_target else None)


def relevant_difference(settings: dict, metric: str | None = None) -> float:
    """What does not matter of the metric, by default the one that decides; from params.yaml as a mapping."""
    decides = deciding(settings).metric
    return relevance(metric or decides, settings["evaluation"]["relevant_difference"], decides)
