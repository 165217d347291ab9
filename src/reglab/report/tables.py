"""The rows of the results table and the axis that their differences are drawn on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from matplotlib.ticker import MaxNLocator

from reglab.core.errors import UserError
from reglab.core.families import BY_SECTION
from reglab.evaluation.comparison import COMPARED
from reglab.evaluation.metric_names import better
from reglab.report.chapter import OTHER, Part, place_of
from reglab.report.collect import Entry, Shown
from reglab.report.formats import missing
from reglab.report.measure import ACCURACY, Interval, Measure

VERDICTS = ("helps", "no relevant difference", "cannot tell", "hurts")  # as a column sorts them


DIFFERENCE = ("difference", "difference_low", "difference_high")  # the keys of a paired difference


@dataclass(frozen=True)
class Row(Shown):
    """A recipe or classical baseline: its record, its numbers in reports/metrics.json, and the metric that decides."""

    numbers: dict
    measure: Measure = ACCURACY

    @property
    def classical(self) -> bool:
        return BY_SECTION[self.entry.family].classical

    @property
    def reference(self) -> bool:
        """Is it `none`, which every difference is to?"""
        return (self.entry.family, self.name) == ("regularizers", "none")

    @property
    def diverged(self) -> bool:
        return self.verdict == "diverged" or bool(self.entry.seeds("diverged"))

    @property
    def seed_count(self) -> int:
        """How many seeds its record has."""
        return len(self.entry.record["seeds"])

    @property
    def ranked(self) -> bool:
        return not self.diverged and self.verdict != "check failed"

    @property
    def part(self) -> Part | None:
        """Where in the lecture its technique stands; nowhere what is several techniques or none."""
        return place_of(self.name) if self.entry.family == "regularizers" else None

    @property
    def kind(self) -> str:
        """Its section of params.yaml, or of the lecture."""
        named = self.part and self.part is not OTHER
        return self.part.id.replace("_", " ") if named else BY_SECTION[self.entry.family].kind

    @property
    def verdict(self) -> str:
        """In words; nothing for the reference, and for classical methods, which are nothing added to a network."""
        verdict = self.numbers.get("verdict") or ""
        return "" if verdict == "reference" or (self.classical and verdict != "diverged") else verdict

    @property
    def place(self) -> int | None:
        """Of the verdict among verdicts."""
        return place_among(self.verdict)

    @property
    def difference(self) -> Interval:
        """Of the metric that decides, to `none`, paired over seeds."""
        return Interval.of(self.numbers, "difference")

    @property
    def value(self) -> float | None:
        """The mean of the metric that decides."""
        return self.numbers.get(self.measure.metric)

    @property
    def on_distribution(self) -> dict | None:
        """The same question over new examples; None where it has no answer."""
        return None if self.reference else self.numbers["distribution"]

    @property
    def passes(self) -> tuple[int, int] | None:
        """Forward and backward passes of a network for each training step; `none` takes one of each."""
        cost = self.entry.record.get("cost") or {}
        return (cost["forward_passes"], cost["backward_passes"]) if "forward_passes" in cost else None

    def measured(self, metric: str) -> Interval:
        return Interval.of(self.numbers.get("metrics", {}).get(metric, {})).within(metric)

    def change(self, metric: str) -> Interval:
        """Of any metric, to `none`, paired over seeds."""
        return Interval.of(self.numbers.get("metrics", {}).get(metric, {}), *DIFFERENCE)

    def effect(self, metric: str) -> str:
        """better or worse than `none` where the interval of the difference leaves out zero, else nothing."""
        _, low, high = self.change(metric)
        if missing(low) or missing(high) or low <= 0 <= high:
            return ""
        return "better" if (high < 0) == (better(metric) == "lower") else "worse"


AnyRow = TypeVar("AnyRow", bound=Row)


def place_among(verdict: str) -> int | None:
    return VERDICTS.index(verdict) if verdict in VERDICTS else None


def rows(entries: list[Entry], metrics: dict, measure: Measure = ACCURACY) -> list[Row]:
    """One for each entry with seeds, in the order of `sorted_rows`."""
    tested = [entry for entry in entries if entry.family in COMPARED]
    if absent := [f"{e.family}.{e.name}" for e in tested if e.name not in metrics.get(e.family, {})]:
        raise UserError(f"reports/metrics.json: nothing on {', '.join(absent)}; run: dvc repro evaluate")
    return sorted_rows([Row(entry, metrics[entry.family][entry.name], measure) for entry in tested])


def unequal_seeds(rows: Iterable[Row]) -> bool:
    """Have some of the ranked rows got more seeds at a look than others?"""
    ranked = [row for row in rows if row.ranked]
    return any("look" in row.numbers for row in ranked) and len({row.seed_count for row in ranked}) > 1


def sorted_rows(rows: list[AnyRow]) -> list[AnyRow]:
    """The best test metric first, those that are not ranked behind all others.

    Means over unequal numbers of seeds are not compared: there the largest gain over `none` is first.
    """
    by_gain = unequal_seeds(rows)

    def rank(row: Row) -> tuple:
        value = row.difference.mean if by_gain else row.value
        return not row.ranked, missing(value), 0 if missing(value) else -row.measure.sign * value

    return sorted(rows, key=rank)


@dataclass(frozen=True)
class Axis:
    """A horizontal axis whose positions are percentages of its width, so that it stretches with the page."""

    low: float
    high: float

    def at(self, x: float) -> str:
        return f"{100 * (x - self.low) / (self.high - self.low):.2f}%"

    @property
    def ticks(self) -> list[float]:
        inner = 0.04 * (self.high - self.low)  # a label right at the edge would be cut off
        locations = MaxNLocator(4, steps=[1, 2, 5, 10]).tick_values(self.low, self.high)
        return [round(float(x), 9) + 0.0 for x in locations if self.low + inner <= x <= self.high - inner]

    @property
    def whole(self) -> bool:
        """Are all ticks whole percentage points?"""
        return all(abs(100 * x - round(100 * x)) < 1e-6 for x in self.ticks)


def common_axis(table: list[Row], relevant: float) -> Axis:
    """From the lowest to the highest end of all intervals, zero and the band of relevance always inside."""
    ends = [x for row in table if row.ranked for x in row.difference if not missing(x)]
    ends += [-2 * relevant, 2 * relevant]
    margin = 0.06 * (max(ends) - min(ends)) or 1.0
    return Axis(min(ends) - margin, max(ends) + margin)
