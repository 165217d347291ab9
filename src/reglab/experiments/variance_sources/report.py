"""The section on the sources of the spread over seeds: one random stream at a time, as a figure and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reglab.core.figures import COLORS, INK, canvas
from reglab.experiments.variance_sources.evaluate import ALL, beside
from reglab.report.drawings import drawn
from reglab.report.formats import capital, fixed, listed, missing, percent
from reglab.report.measure import ACCURACY, Interval, Measure, label_words
from reglab.report.study import Placed, Section, Study, body

SOURCES = ("split", "initialization", "batch_order", "masks", ALL)
MARKERS = "osD^vP*"  # beside the colours, so that recipes can be distinguished without them


def names_of(measure: Measure) -> dict[str, str]:
    """By source its name in a sentence."""
    names = "initial weights", "batch order", "masks and noise", "all together"
    return dict(zip(SOURCES, (f"split and {label_words(measure.metric).wrong}", *names), strict=True))


@dataclass(frozen=True)
class Spread:
    """One recipe: by metric and source, its row in metrics.json."""

    name: str
    metrics: dict[str, dict[str, dict]]
    measure: Measure = ACCURACY

    def std(self, metric: str, source: str) -> Interval:
        row = self.metrics[metric][source]
        return Interval(row["std"], row["low"], row["high"])

    def share(self, metric: str, source: str) -> float | None:
        return self.metrics[metric][source]["share"]

    def shown(self, std: float) -> str:
        """In digits."""
        return percent(std, 2) if self.measure.share else self.measure.value(std)

    @property
    def sentence(self) -> Markup:
        """The sources of the spread of the metric that decides, the largest first, and whether the first stands out."""
        alone = {source: self.std(self.measure.metric, source) for source in SOURCES if source != ALL}
        if any(missing(spread.mean) for spread in alone.values()):
            return Markup("<b>{}</b>: a seed diverged, so nothing can be said.").format(self.name)
        names = names_of(self.measure)
        (first, largest), (_, second), *_ = order = sorted(alone.items(), key=lambda item: -item[1].mean)
        still = [
            source for source in alone if self.std(beside(self.measure.metric), source).mean == 0
        ]  # equal accuracies may be chance
        parts = [f"{names[source]} {self.shown(spread.mean)}" for source, spread in order if source not in still]
        whole = self.measure.counted(self.shown(self.std(self.measure.metric, ALL).mean))
        text = Markup("<b>{}</b>: {} with everything varied; alone, {}.").format(
            self.name, whole, listed(parts or ["nothing"])
        )
        if largest.low > second.high:
            text += f" {names[first].capitalize()} moves it most."
        elif parts:
            text += " Their intervals overlap, so which moves it most is open."
        if still:
            listing = listed([names[source] for source in still]).capitalize()
            text += f" {listing}: exactly zero, because nothing drawn there affects the network."
        return text


def dots(spreads: Sequence[Spread], metric: str, label: str, scale: float) -> Figure:
    """Standard deviations over seeds, a row a source, a marker a recipe, with their intervals."""
    figure, axes = canvas(4.4, 0.9 + 0.3 * len(SOURCES) * (1 + 0.3 * len(spreads)))
    for number, spread in enumerate(spreads):
        offset = 0.5 * ((number + 0.5) / len(spreads) - 0.5)
        color = COLORS[number % len(COLORS)]
        points = [(row + offset, spread.std(metric, source)) for row, source in enumerate(SOURCES)]
        known = [(y, each) for y, each in points if not missing(each.mean)]
        axes.hlines(
            [y for y, _ in known],
            *(([scale * getattr(each, end) for _, each in known]) for end in ("low", "high")),
            color=color,
        )
        axes.plot(
            [scale * each.mean for _, each in known],
            [y for y, _ in known],
            MARKERS[number % len(MARKERS)],
            color=color,
            markersize=5,
            label=spread.name,
            clip_on=False,
        )
    axes.axhline(len(SOURCES) - 1.5, color=INK, linewidth=0.6, alpha=0.5)
    axes.set_yticks(range(len(SOURCES)), names_of(spreads[0].measure).values())
    axes.set(ylim=(len(SOURCES) - 0.5, -0.5), xlabel=label)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.legend(fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.4, 1))
    return figure


def sources_section(study: Study) -> Section | None:
    rows = study.metrics.get("variance_sources", {})
    spreads = [
        Spread(entry.name, rows[entry.name], study.measure)
        for entry in study.family("variance_sources")
        if entry.name in rows
    ]
    if not spreads:
        return None
    measure, spread, other = study.measure, "standard deviation over seeds", beside(study.measure.metric)
    title, unit = (
        ("Test mean absolute error", "in the unit of the target") if other == "test_mae" else ("Test loss", "nats")
    )
    drawings = {
        capital(measure.name): (measure.metric, measure.in_units(spread), measure.scale),
        title: (other, f"{spread}, {unit}", 1),
    }
    if measure.metric == other:
        del drawings[title]  # is there already
    figures = {
        title: drawn(dots(spreads, *how), f"sources-{how[0]}", f"{title}: spread over seeds by source")
        for title, how in drawings.items()
    }
    values = {"spreads": spreads, "figures": figures, "names": names_of(measure), "seeds": study.settings["seeds"]}
    values |= {
        "measure": measure,
        "words": study.label_words,
        "beside": other,
        "beside_title": title,
        "inapplicable": study.inapplicable("variance_sources"),
    }
    values |= {"beside_value": study.score.value if other == "test_mae" else lambda x: fixed(x, 3)}
    values |= {"confidence": study.settings["evaluation"]["confidence"]}
    return Section("sources", "Where the spread comes from", body("variance_sources.html", **values))


SECTIONS = (Placed(sources_section, "pages/tuning.html", place=4),)
