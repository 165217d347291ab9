"""The section on sweeps: error against strength, the best of k settings, and the chosen setting on the test part."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from reglab.core.figures import COLORS, INK, canvas
from reglab.core.wording import many
from reglab.report.answer import Point
from reglab.report.collect import Shown
from reglab.report.drawings import drawn
from reglab.report.formats import capital, listed, missing, percent, setting
from reglab.report.measure import ACCURACY, Interval, Measure
from reglab.report.study import Section, Study, body

MARKERS = "osD^vP*"  # beside the colours, so that techniques can be distinguished without them
DECADE = 10  # settings that span this factor are drawn on a logarithmic axis
CEILING = 2.0  # errors above so many times that of none are cut off

Seen = list[float | None]  # a number for each seed of the search


@dataclass(frozen=True)
class Tuned(Shown):
    """One technique: its record under `sweeps`, its row in metrics.json, and the row of its entry in params.yaml."""

    row: dict
    untuned: dict
    measure: Measure = ACCURACY

    @property
    def grid(self) -> dict[str, list]:
        """The values that were tried, by setting."""
        return self.entry.record["settings"]["grid"]

    @property
    def axis(self) -> str:
        """The setting that is drawn along the axis."""
        return next(iter(self.grid))

    @property
    def places(self) -> list[float]:
        """The positions of that setting's values on the axis: the values, or their ranks where they are no numbers."""
        values = self.grid[self.axis]
        return list(values) if all(type(value) in (int, float) for value in values) else list(range(len(values)))

    @property
    def logarithmic(self) -> bool:
        return min(self.places) > 0 and max(self.places) / min(self.places) >= DECADE

    @property
    def lines(self) -> dict[str, list[Seen]]:
        """Validation errors along the axis, by the other settings in words; in the order of `places`."""
        lines: dict[str, dict] = {}
        for point in self.entry.record["grid"]:
            settings = dict(point["settings"])
            at = settings.pop(self.axis)
            lines.setdefault(setting(settings), {})[at] = self.errors(point)
        return {words: [along[at] for at in self.grid[self.axis]] for words, along in lines.items()}

    @property
    def chosen(self) -> dict:
        return self.entry.record["chosen"]["settings"]

    @property
    def chosen_seen(self) -> Seen:
        """The validation errors of the chosen point."""
        return self.errors(self.entry.record["grid"][self.entry.record["chosen"]["number"]])

    def errors(self, point: dict) -> Seen:
        """Those of a point of the grid."""
        return [self.measure.error_of(x) for x in point[self.measure.validation().metric]]

    @property
    def outermost(self) -> list[str]:
        """The numeric settings whose chosen value is the least or the greatest of those that were tried."""
        return [
            name
            for name, values in self.grid.items()
            if len(values) > 2
            and all(type(value) in (int, float) for value in values)
            and self.chosen[name] in (min(values), max(values))
        ]

    @property
    def diverged(self) -> int:
        """How many points of the grid diverged in a seed of the search."""
        return sum(None in point[self.measure.validation().metric] for point in self.entry.record["grid"])

    @property
    def tested(self) -> dict:
        """The comparison of the chosen point with none."""
        return self.row["comparisons"][self.measure.metric]

    @property
    def difference(self) -> Interval:
        return Interval(*(self.tested[key] for key in ("difference", "difference_low", "difference_high")))

    @property
    def untuned_difference(self) -> Interval:
        return Interval(*(self.untuned.get(key) for key in ("difference", "low", "high")))


def spread(seen: Seen) -> Interval:
    """Mean, lowest and highest over the seeds of the search; NaN where one diverged."""
    return Interval(nan, nan, nan) if None in seen else Interval(float(np.mean(seen)), min(seen), max(seen))


def of_none(study: Study) -> Seen:
    """The validation errors of `none` in the seeds of the search; empty where it is not known."""
    none = next((entry for entry in study.family("regularizers") if entry.name == "none"), None)
    runs = list(none.record["seeds"].values())[: study.settings["tuning"]["seeds"]] if none else []
    return [study.measure.error_of(run["metrics"].get(study.measure.validation().metric)) for run in runs]


def panel(tuned: Tuned, none: Seen, top: float) -> Figure:
    """Validation error against the first setting, up to `top`; a line for each combination of the others."""
    figure, axes = canvas(4.2, 2.5)
    measure = tuned.measure
    baseline(axes, none, measure.scale)
    where = dict(zip(tuned.grid[tuned.axis], tuned.places, strict=True))
    for number, (words, along) in enumerate(tuned.lines.items()):
        color = COLORS[number % len(COLORS)]
        mean, low, high = measure.scale * np.array([spread(seen) for seen in along]).T
        axes.fill_between(tuned.places, low, high, color=color, alpha=0.15, linewidth=0)
        axes.plot(tuned.places, mean, color=color, marker=MARKERS[number % len(MARKERS)], markersize=3.5, label=words)
    best = spread(tuned.chosen_seen).mean
    axes.plot(
        where[tuned.chosen[tuned.axis]], measure.scale * best, "o", markersize=10, color=INK, markerfacecolor="none"
    )
    if tuned.logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(tuned.places, [setting(value) for value in tuned.grid[tuned.axis]])
    axes.set(xlabel=tuned.axis.replace("_", " "), ylabel=measure.axis(f"validation {measure.error}"))
    axes.set_ylim(0, measure.scale * top)
    if len(tuned.lines) > 1:
        axes.legend(fontsize=7)
    return figure


def baseline(axes: Axes, none: Seen, scale: int) -> None:
    """`none`, which has no strength: a dashed line and its band."""
    if none and None not in none:
        mean, low, high = (scale * each for each in spread(none))
        axes.axhspan(low, high, color=INK, alpha=0.08, linewidth=0)
        axes.axhline(mean, color=INK, linewidth=1, linestyle=(0, (4, 2)))


def ceiling(sweeps: Sequence[Tuned], none: Seen) -> float:
    """The top of the common axis: above every band, but not beyond CEILING times the error of none."""
    known = [
        spread(seen).high for sweep in sweeps for along in sweep.lines.values() for seen in along if None not in seen
    ]
    limit = CEILING * spread(none).mean if none and None not in none else 1.0
    return 1.05 * min(max(known, default=1.0), limit) or 1.0


def after_k(sweeps: Sequence[Tuned], none: Seen) -> Figure:
    """The expected best validation metric of k settings drawn at random, a line a technique."""
    measure = sweeps[0].measure
    figure, axes = canvas(4.2, 3.1)
    if none and None not in none:
        axes.axhline(
            measure.scale * measure.value_of(spread(none).mean),
            color=INK,
            linewidth=1,
            linestyle=(0, (4, 2)),
            label="none",
        )
    for number, sweep in enumerate(sweeps):
        best = measure.scale * np.array(sweep.entry.record["expected_best"], dtype=float)
        look = {"color": COLORS[number % len(COLORS)], "marker": MARKERS[number % len(MARKERS)], "markersize": 3.5}
        axes.plot(range(1, len(best) + 1), best, label=sweep.name, **look)
    axes.set(xlabel="settings tried, k", ylabel=measure.axis(f"validation {measure.title}"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(fontsize=7, ncols=3, loc="outside lower center")
    return figure


def lead(sweeps: Sequence[Tuned], seeds: int) -> Markup:
    """The technique that gains most when it is tuned, and the number of those that are shown to help."""
    helping = [sweep for sweep in sweeps if sweep.tested["verdict"] == "helps"]
    settings = many(len(sweeps[0].entry.record["grid"]), "setting")
    start = Markup("Each technique with the best of {}, chosen on the validation data of {}: ").format(
        settings, many(seeds, "seed")
    )
    if not helping:
        return start + Markup("none of {} is shown to help.").format(many(len(sweeps), "technique"))
    best = max(helping, key=lambda sweep: sweep.measure.sign * sweep.difference.mean)
    measure = best.measure
    are = "is" if len(helping) == 1 else "are"
    return start + Markup(
        "{} of {} {} shown to help, most of all <b>{}</b> with {}: {} of {} ({})."
    ).format(
        len(helping), len(sweeps), are, best.name, setting(best.chosen),
        measure.counted(measure.difference(best.difference.mean)), measure.name, measure.range(best.difference),
    )  # fmt: skip


def points_to_know(sweeps: Sequence[Tuned]) -> list[Point]:
    """The effect of tuning, and grids that may have been too small."""
    points = []
    gained = [
        (sweep, sweep.tested["mean"] - sweep.untuned[sweep.measure.metric]) for sweep in sweeps if both_known(sweep)
    ]
    if gained:
        measure = sweeps[0].measure
        parts = [Markup("<b>{}</b> {}").format(sweep.name, measure.difference(gain)) for sweep, gain in gained]
        text = Markup("{} over the entry as it stands in params.yaml: {}.").format(
            capital(f"{measure.units or 'difference'} of {measure.name}"), listed(parts)
        )
        points.append(Point("Effect of tuning", text))
    if ends := [sweep for sweep in sweeps if sweep.outermost]:
        parts = [Markup("<b>{}</b> ({} {})").format(o.name, n, setting(o.chosen[n])) for o in ends for n in o.outermost]
        text = Markup("{}: chosen at the end of the grid, so a better value may lie beyond it.").format(listed(parts))
        points.append(Point("Grid too small?", text))
    if diverged := [sweep for sweep in sweeps if sweep.diverged]:
        parts = [Markup("<b>{}</b> {}").format(sweep.name, many(sweep.diverged, "setting")) for sweep in diverged]
        points.append(Point("Diverged", Markup("{}; these were not chosen.").format(listed(parts)), alarming=True))
    return points


def both_known(sweep: Tuned) -> bool:
    return not (missing(sweep.tested["mean"]) or missing(sweep.untuned.get(sweep.measure.metric)))


def sweeps_section(study: Study) -> Section | None:
    rows, untuned = study.metrics.get("sweeps", {}), study.metrics.get("regularizers", {})
    entries = [entry for entry in study.family("sweeps") if entry.name in rows]
    sweeps = [Tuned(entry, rows[entry.name], untuned.get(entry.name, {}), study.measure) for entry in entries]
    if not sweeps:
        return None
    none = of_none(study)
    top = ceiling(sweeps, none)
    seeds = study.settings["tuning"]["seeds"]
    label = f"validation {study.measure.error} against strength: {{}}"
    values = {
        "sweeps": sweeps,
        "inapplicable": study.inapplicable("sweeps"),
        "lead": lead(sweeps, seeds),
        "points": points_to_know(sweeps),
        "panels": {o.name: drawn(panel(o, none, top), f"sweep-{o.name}", label.format(o.name)) for o in sweeps},
        "after_k": drawn(
            after_k(sweeps, none), "sweeps-best", f"expected best validation {study.measure.title} after k settings"
        ),
        "top": study.measure.with_unit(top / 1.05) if not study.measure.share else f"{percent(top / 1.05, 0)}\u00a0%",
        "measure": study.measure,
        "seeds": study.settings["seeds"],
        "search_seeds": seeds,
        "confidence": study.settings["evaluation"]["confidence"],
    }
    return Section("sweeps", "Strengths", body("sweeps.html", **values))
