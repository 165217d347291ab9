"""Entries that are compared metric by metric, each with a reference of its own: their numbers, and what is gained most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from reglab.core.wording import many
from reglab.report.answer import link
from reglab.report.collect import Entry, Shown
from reglab.report.formats import listed, missing
from reglab.report.measure import Interval, Measure
from reglab.report.nearness import turning
from reglab.report.tables import DIFFERENCE


class MetricEffect(NamedTuple):
    """A metric against the reference, paired over seeds; of the verdict nothing where the entry is its own reference."""

    difference: Interval
    reference: str
    verdict: str
    seeds_needed: int | None
    rival: str | None
    over_rival: Interval
    rival_sign: int  # of what is shown of it
    turning: Markup

    @classmethod
    def of(cls, row: dict) -> "MetricEffect":
        """From a row of metrics.json."""
        verdict = "" if row["verdict"] == "reference" else row["verdict"]
        lead = row.get("over_rival") or {}
        over, needed = Interval.of(lead, "difference"), row["seeds_needed"]
        difference = Interval.of(row, *DIFFERENCE)
        return cls(
            difference, row["reference"], verdict, needed, lead.get("name"), over, lead.get("sign", 0), turning(row)
        )


@dataclass(frozen=True)
class Compared(Shown):
    """An entry, and its row in metrics.json, as in `evaluation.metric_comparison`."""

    numbers: dict

    @property
    def comparisons(self) -> dict[str, dict]:
        """By metric; none where there is nothing to compare it with."""
        return self.numbers.get("comparisons", {})

    @property
    def settings(self) -> dict:
        """Its entry in params.yaml."""
        return self.entry.record["settings"].get(self.name, {})

    @property
    def diverged(self) -> bool:
        return bool(self.entry.seeds("diverged"))

    @property
    def reference(self) -> bool:
        """Is it what it is compared with?"""
        return any(row["verdict"] == "reference" for row in self.comparisons.values())

    def measured(self, metric: str) -> Interval:
        """The mean over seeds and its interval; unknown where a seed diverged or the metric was not measured.

        Bias² and variance belong to all seeds and have no interval.
        """
        of_all = self.entry.record["summary"].get(metric, {})
        return Interval.of(self.numbers.get("metrics", {}).get(metric, of_all)).within(metric)

    def effect(self, metric: str) -> MetricEffect | None:
        return MetricEffect.of(self.comparisons[metric]) if metric in self.comparisons else None


def numbers_of(entry: Entry, metrics: dict) -> dict:
    """Its row in metrics.json; empty without one."""
    return metrics.get(entry.family, {}).get(entry.name, {})


def most(rows: Iterable[Compared], metric: str) -> Compared | None:
    """Of those that the metric helps with, the one with the largest difference."""
    helping = [row for row in rows if (effect := row.effect(metric)) and effect.verdict == "helps"]
    return max(helping, key=lambda row: abs(row.effect(metric).difference.mean), default=None)


def summary_sentence(
    rows: Sequence[Compared], measure: Measure, variants: Sequence[int], against: str, per: str
) -> Markup:
    """A sentence: what is gained most over `against`, at each number of `per`; or that nothing is, or that it is unclear."""
    ranked = [row for row in rows if comparable(row, measure.at(variants[0]))]
    if not ranked:
        return Markup("Nothing that was tried can be compared with {}.").format(against)
    best: dict[str, list[int]] = {}
    for variant in variants:
        if best_row := most(ranked, measure.at(variant)):
            best.setdefault(best_row.name, []).append(variant)
    if best:
        named = {row.name: row for row in ranked}
        parts = [
            gained(named[name], measure, led_at, per if not n else "") for n, (name, led_at) in enumerate(best.items())
        ]
        none = [variant for variant in variants if not any(variant in led_at for led_at in best.values())]
        rest = Markup("; at {} nothing is shown to help").format(listed(none)) if none else ""
        return Markup("Most is gained over {} by {}{}.").format(against, listed(parts), rest)
    effects = [(row, variant, row.effect(measure.at(variant))) for row in ranked for variant in variants]
    if all(effect.verdict == "cannot tell" for *_, effect in effects):
        return unclear(effects, measure, against, per)
    return Markup("Nothing that was tried is shown to beat {}, at whatever number of {}: not one of {}.").format(
        against, per, many(len(ranked), "method")
    )


def gained(row: Compared, measure: Measure, variants: list[int], per: str) -> Markup:
    """The name, where it gains, and in brackets by how much, with the interval."""
    unit = f"\u00a0{measure.units}" if measure.units else ""
    amounts = []
    for variant in variants:
        difference = row.effect(measure.at(variant)).difference
        amounts.append(f"{measure.difference(difference.mean)}{unit}, {measure.range(difference)}")
        unit = ""
    return Markup("<b>{}</b> at {} ({})").format(link(row), counted(variants, per), "; ".join(amounts))


def counted(variants: list[int], per: str) -> str:
    """1 label, 1 and 2 labels."""
    singular = per.replace("labels", "label").replace("scenes", "scene").replace("examples", "example")
    return f"{listed(variants)} {singular if variants == [1] else per}".rstrip()


def unclear(effects: list[tuple[Compared, int, MetricEffect]], measure: Measure, against: str, per: str) -> Markup:
    """When every verdict is that it is "cannot tell": the best mean difference, even if none is a gain."""
    row, variant, effect = max(effects, key=lambda candidate: measure.sign * candidate[2].difference.mean)
    return Markup(
        "{} cannot tell whether anything beats {}: the best mean difference is {}, by <b>{}</b> at {}, "
        "and chance is not ruled out."
    ).format(
        many(len(row.entry.record["seeds"]), "seed"), against,
        measure.amount(effect.difference.mean), link(row), counted([variant], per),
    )  # fmt: skip


def comparable(row: Compared, metric: str) -> bool:
    """Neither it nor its reference diverged, and there is a reference."""
    effect = row.effect(metric)
    return effect is not None and not missing(effect.difference.mean)
