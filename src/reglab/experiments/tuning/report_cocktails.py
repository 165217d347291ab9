"""The section on cocktails: the search for stacked techniques, and the effect of each ingredient, alone and added."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reglab.core.figures import COLORS, INK, canvas
from reglab.core.wording import many
from reglab.experiments.tuning.report_ingredients import Ingredient, Rival, difference, interval
from reglab.report.answer import Point
from reglab.report.collect import Shown
from reglab.report.drawings import drawn
from reglab.report.formats import listed, missing
from reglab.report.measure import ACCURACY, Measure
from reglab.report.study import Section, Study, body
from reglab.report.tables import VERDICTS

WAYS = {"only": "alone", "without": "beside the others"}


@dataclass(frozen=True)
class Mixed(Shown):
    """A cocktail: its record and its row in metrics.json."""

    row: dict
    measure: Measure = ACCURACY

    @property
    def trials(self) -> list[dict]:
        return self.entry.record["trials"]

    @property
    def best(self) -> dict:
        return self.entry.record["best"]

    @property
    def inapplicable(self) -> dict[str, str]:
        """The ingredients that are not applicable to the data or the network, and why."""
        return self.row.get("not_applicable_ingredients", {})

    @property
    def validation(self) -> list[float]:
        """The mean validation metric of each trial, NaN where a seed diverged."""
        each = (trial[self.measure.validation().metric] for trial in self.trials)
        return [np.nan if None in scores else float(np.mean(scores)) for scores in each]

    @property
    def ingredients(self) -> list[Ingredient]:
        settings = self.best["settings"]
        return [
            Ingredient(name, settings[name], **rows, measure=self.measure)
            for name, rows in self.row["ingredients"].items()
        ]

    @property
    def readings(self) -> list[Point]:
        """The effect of each ingredient in words."""
        return [Point(each.name, each.reading) for each in self.ingredients]

    @property
    def rivals(self) -> list[Rival]:
        """The rivals that can be compared, the best first."""
        rivals = [
            Rival(name, row, self.measure) for name, row in self.row["rivals"].items() if not missing(row["difference"])
        ]
        return sorted(rivals, key=lambda rival: self.measure.sign * rival.row["difference"])

    @property
    def rivalry(self) -> list[Point]:
        """Whether a single technique beats the cocktail, and how it compares with the others."""
        if not self.rivals:
            return []
        by = {verdict: [r for r in self.rivals if r.row["verdict"] == verdict] for verdict in VERDICTS}
        beaten, unclear, every = by["hurts"], by["cannot tell"], many(len(self.rivals), "single technique")
        if beaten:
            text = Markup("<b>It is beaten</b> by {}. ").format(listed([rival.with_difference for rival in beaten]))
        else:
            text = Markup("None of {} is shown to beat it. ").format(every)
        text += Markup("It is shown to be better than {} of {}").format(len(by["helps"]), len(self.rivals))
        if same := by["no relevant difference"]:
            text += Markup("; there is no relevant difference to {}").format(listed([rival.title for rival in same]))
        if unclear:
            text += Markup("; for {} the verdict is “cannot tell”").format(len(unclear))
            if ahead := [rival for rival in unclear if self.measure.sign * rival.row["difference"] < 0]:
                text += Markup(", among them {} with a better mean").format(
                    listed([rival.with_difference for rival in ahead])
                )
        return [Point("Against one technique", text + ".", alarming=bool(beaten))]

    @property
    def against_tuned(self) -> list[Point]:
        """How it compares with tuned `none` and the best tuned technique, and whether both searches had as many trainings."""
        if not (rival := self.row["best_tuned"]):
            return []
        points = (
            [Point("Against tuned none", self.beside(self.row["tuned_none"]) + ".")] if self.row["tuned_none"] else []
        )
        trainings, others = self.row["budget"]["trainings"], rival["budget"]["trainings"]
        title = Markup('<a href="#tuned-{}">{}</a>').format(rival["name"], rival["name"])
        text = Markup("{}, the best tuned technique on validation data: {}").format(title, self.beside(rival))
        if trainings == others:
            text += Markup(". Each search had {}").format(many(trainings, "training"))
        else:
            text += Markup(". <b>The budgets are unequal</b>: the search of the cocktail had {}, that of {} {}").format(
                many(trainings, "training"), title, others
            )
        return [*points, Point("Against the best tuned technique", text + ".")]

    def beside(self, row: dict) -> Markup:
        """What the test part shows of the cocktail beside a tuned recipe."""
        if missing(row["difference"]):
            return Markup("nothing is known: {}").format(row["verdict"])
        mean = self.measure.counted(self.measure.difference(row["difference"]))
        return Markup("the cocktail has {} of {} ({}), <b>{}</b>").format(
            mean, self.measure.name, interval(row, self.measure), row["verdict"]
        )

    @property
    def sentence(self) -> Markup:
        """The best cocktail and its effect, and the effects of its ingredients together and one by one."""
        full = self.row["full"]
        if not self.ingredients:
            return Markup("Of {}, none was better on validation data than <b>no technique at all</b>.").format(
                many(len(self.trials), "trial")
            )
        parts = [Markup("<b>{}</b>").format(each.name) for each in self.ingredients]
        text = Markup("The best of {} on validation data stacks {}").format(
            many(len(self.trials), "trial"), listed(parts)
        )
        if self.row["left_out"]:
            text += Markup(" and leaves out {}").format(listed(self.row["left_out"]))
        if missing(full["difference"]):
            return text + Markup(". A seed of it diverged, so it is not compared on the test part.")
        measure = self.measure
        text += Markup(". Against the same training without them: {} of {}, {}, <b>{}</b>.").format(
            measure.counted(measure.difference(full["difference"])),
            measure.name,
            interval(full, measure),
            full["verdict"],
        )
        alone = [each.only["difference"] for each in self.ingredients]
        if len(alone) > 1 and not any(map(missing, alone)):
            text += Markup(" Alone, its ingredients gain {}, {} in sum: {}.").format(
                listed([measure.difference(gain) for gain in alone]),
                measure.counted(measure.difference(sum(alone))),
                overlap(self.row["overlap"], measure),
            )
        return text


def overlap(row: dict, measure: Measure) -> str:
    """Whether the sum of what the ingredients bring alone is shown to be more or less than what they bring together."""
    if not row["sign"]:
        return f"the test cannot tell whether they overlap ({interval(row, measure)} more in sum)"
    return f"they {'overlap' if row['sign'] > 0 else 'do more together'} ({interval(row, measure)} more in sum)"


def history(mixed: Mixed) -> Figure:
    """The mean validation metric of every trial, and the best so far as a line."""
    measure = mixed.measure
    figure, axes = canvas(4.8, 2.7)
    values = measure.scale * np.array(mixed.validation)
    so_far = list(accumulate(values, np.fmin if measure.lower_is_better else np.fmax))  # without those that diverged
    trials = np.arange(1, len(values) + 1)
    axes.step(trials, so_far, where="post", color=COLORS[0], label="best so far")
    axes.plot(trials, values, "o", markersize=4, color=INK, alpha=0.6, label="a trial")
    number = mixed.best["number"]
    axes.plot(number + 1, values[number], "o", markersize=10, color=INK, markerfacecolor="none", label="chosen")
    empty = [value for value, trial in zip(values, mixed.trials, strict=True) if not trial["settings"]]
    if empty:
        axes.axhline(empty[0], color=INK, linewidth=1, linestyle=(0, (4, 2)), label="none")
    axes.set(xlabel="trial", ylabel=measure.axis(f"validation {measure.title}"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8, ncols=4, loc="lower center", bbox_to_anchor=(0.45, 1))
    return figure


def attribution(mixed: Mixed, relevant: float) -> Figure:
    """Differences with their intervals: all together, then each ingredient alone and beside the others."""
    measure = mixed.measure
    scale = measure.scale
    names = [*(each.name for each in mixed.ingredients), "all together"]
    figure, axes = canvas(4.8, 0.9 + 0.42 * len(names))
    axes.axvspan(-scale * relevant, scale * relevant, color=INK, alpha=0.08, linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.8)
    for number, (way, label) in enumerate(WAYS.items()):
        rows = [getattr(each, way) for each in mixed.ingredients]
        places = np.arange(len(rows)) + (-0.16 if number == 0 else 0.16)
        look = {"color": COLORS[number], "markerfacecolor": "none" if number == 0 else COLORS[number]}
        whiskers(axes, places, rows, COLORS[number], scale)
        axes.plot(scale * means(rows), places, "os"[number], markersize=5, label=label, linestyle="none", **look)
    whiskers(axes, [len(names) - 1], [mixed.row["full"]], INK, scale)
    axes.plot(scale * means([mixed.row["full"]]), [len(names) - 1], "D", markersize=5, color=INK)
    axes.axhline(len(names) - 1.5, color=INK, linewidth=0.6, alpha=0.5)
    axes.set_yticks(range(len(names)), names)
    axes.set(
        ylim=(len(names) - 0.5, -0.5), xlabel=measure.in_units(f"difference of {measure.name}") + measure.lower_note
    )
    axes.legend(fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.4, 1))
    return figure


def means(rows: Sequence[dict]) -> np.ndarray:
    return np.array([row["difference"] for row in rows], dtype=float)


def whiskers(axes, places: Sequence[float], rows: Sequence[dict], color: str, scale: int) -> None:
    low, high = (scale * np.array([row[end] for row in rows], dtype=float) for end in ("low", "high"))
    axes.hlines(places, low, high, color=color, linewidth=1.4)


def cocktails_section(study: Study) -> Section | None:
    rows = study.metrics.get("cocktails", {})
    cocktails = [
        Mixed(entry, rows[entry.name], study.measure) for entry in study.family("cocktails") if entry.name in rows
    ]
    if not cocktails:
        return None
    relevant, measure = study.relevant_difference, study.measure
    pictures = {
        cocktail.name: {
            "Search": drawn(
                history(cocktail),
                f"cocktail-{cocktail.name}",
                f"validation {measure.title} of every trial: {cocktail.name}",
            ),
            "Which ingredient did it": drawn(
                attribution(cocktail, relevant),
                f"attribution-{cocktail.name}",
                f"what each ingredient brings: {cocktail.name}",
            ),
        }
        for cocktail in cocktails
    }
    values = {
        "cocktails": cocktails,
        "inapplicable": study.inapplicable("cocktails"),
        "pictures": pictures,
        "ways": WAYS,
        "difference": difference,
        "comparisons": sum(1 + 2 * len(cocktail.ingredients) for cocktail in cocktails),
        "relevant": relevant,
        "measure": measure,
        "seeds": study.settings["seeds"],
        "search_seeds": study.settings["tuning"]["seeds"],
        "confidence": study.settings["evaluation"]["confidence"],
    }
    return Section("cocktails", "Cocktails", body("cocktails.html", **values))
