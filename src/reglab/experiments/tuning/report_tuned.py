"""The section on the searches of tuned recipes: what they spent, what k settings come to, how optimistic the choice was."""

from dataclasses import dataclass
from statistics import fmean

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reglab.core.figures import COLORS, INK, canvas
from reglab.core.wording import many
from reglab.experiments.tuning.evaluate_tuned import ranking_changes
from reglab.experiments.tuning.settings import CLEAN, OTHER_NETWORK, TUNED
from reglab.report.answer import Point
from reglab.report.collect import Shown
from reglab.report.drawings import drawn
from reglab.report.formats import listed, prefixed
from reglab.report.measure import Interval, Measure
from reglab.report.study import Section, Study, body

FIRST = 5  # so many recipes, the best of all settings, have a colour in the figure


@dataclass(frozen=True)
class Search(Shown):
    """The search of one recipe: its row in metrics.json."""

    row: dict

    @property
    def budget(self) -> dict:
        return self.row["budget"]

    @property
    def ranks(self) -> list[int]:
        return self.row["rank_after"]

    def optimism(self, seeds: str) -> Interval:
        """Validation less test score of the chosen settings, on the `search_seeds` or the `other_seeds`."""
        return Interval.of(self.row["optimism"][seeds] or {})

    @property
    def link(self) -> Markup:
        return Markup('<a href="#{}">{}</a>').format(self.id, self.name)


def tuned_section(study: Study) -> Section | None:
    return searches_section(study, TUNED, "tuned", "Tuned with the same budget")


def clean_section(study: Study) -> Section | None:
    return searches_section(study, CLEAN, "tuned-clean", "Tuned on right labels")


def other_network_section(study: Study) -> Section | None:
    title = "Tuned with another network"
    return searches_section(study, OTHER_NETWORK, "tuned-other-network", title)


def searches_section(study: Study, family: str, prefix: str, title: str) -> Section | None:
    """The searches of a family; `prefix` begins the names of its table and figure on the page."""
    rows = study.metrics.get(family, {})
    searches = [Search(entry, rows[entry.name]) for entry in study.family(family) if entry.name in rows]
    if len(searches) < 2:
        return None
    searches.sort(key=lambda search: search.ranks[-1])
    label = f"expected best validation {study.measure.title} after k settings"
    values = {
        "searches": searches,
        "points": [budget(searches), *optimism(searches, study.measure), leading(searches)],
        "after_k": drawn(after_k(searches, study.measure), f"{prefix}-best", label),
        "prefix": prefix,
        "shown_after": shown_after(len(searches[0].ranks)),
        "first": FIRST,
        "measure": study.measure,
        "confidence": study.settings["evaluation"]["confidence"],
        "search_seeds": study.settings["tuning"]["seeds"],
    }
    return Section(f"{prefix}-searches", title, body("tuned_searches.html", **values))


def budget(searches: list[Search]) -> Point:
    """What each search has spent; the evaluation has checked that it is equal."""
    one = searches[0].budget
    dearest, cheapest = (pick(searches, key=lambda search: search.budget["flops"]) for pick in (max, min))
    least, most = (prefixed(search.budget["flops"]) for search in (cheapest, dearest))
    operations = Markup("Their operations are {} each.").format(least)
    if least != most:
        operations = Markup("Their operations differ as the techniques do, from {} ({}) to {} ({}).").format(
            least, cheapest.link, most, dearest.link
        )
    text = Markup("Each of {} recipes had {} and {} of {:,} epochs in all. {}").format(
        len(searches), many(one["settings"], "setting"), many(one["trainings"], "training"), one["epochs"], operations
    )
    return Point("Budget", text)


def optimism(searches: list[Search], measure: Measure) -> list[Point]:
    """By how much validation data flatter the chosen settings, the mean over recipes; nothing where it is not known."""
    means = {
        seeds: [each.mean for search in searches if (each := search.optimism(seeds)).mean is not None]
        for seeds in ("search_seeds", "other_seeds")
    }
    if not means["search_seeds"]:
        return []
    chosen, others = (measure.amount(fmean(values)) if values else "" for values in means.values())
    text = Markup(
        "Validation score less test score of the chosen settings, as a gain and as a mean over recipes: {} on the seeds "
        "that chose the settings"
    ).format(chosen)
    if others:
        text += Markup(", {} on the others, which chose the epoch alone").format(others)
    return [Point("Optimism", text + ".")]


def leading(searches: list[Search]) -> Point:
    """Which recipe has the best expected best, from how many settings on, and where the order of all changes."""
    tried = len(searches[0].ranks)
    first = [next(search for search in searches if search.ranks[place] == 1) for place in range(tried)]
    spans = [(place + 1, search) for place, search in enumerate(first) if not place or search != first[place - 1]]
    parts = [Markup("{} from {} on").format(search.link, many(number, "setting")) for number, search in spans]
    said = Markup("{} leads with any number of settings.").format(first[0].link)
    if len(spans) > 1:
        said = Markup("In front is {}.").format(listed(parts))
    changes = ranking_changes({search.name: search.ranks for search in searches})
    tail = Markup(" The order of all recipes changes at {} settings.").format(listed(changes)) if changes else ""
    return Point("Ranking by budget", said + tail)


def shown_after(tried: int) -> list[int]:
    """The numbers of settings that the table has: one, some, and all."""
    return sorted({1, max(tried // 3, 1), tried})


def after_k(searches: list[Search], measure: Measure) -> Figure:
    """The expected best validation metric of k settings; the FIRST recipes and those that lead at any k stand out."""
    figure, axes = canvas(6.4, 3.6)
    colors = iter(COLORS * len(searches))
    for search in reversed(searches):
        best = measure.scale * np.array(search.row["expected_best"], dtype=float)
        look = {"color": INK, "linewidth": 0.8, "alpha": 0.35}
        if search.name == "none":
            look = {"color": INK, "linestyle": (0, (4, 2)), "label": "none"}
        elif 1 in search.ranks or search.ranks[-1] <= FIRST:
            look = {"color": next(colors), "marker": "o", "markersize": 3.5, "label": search.name}
        axes.plot(range(1, len(best) + 1), best, **look)
    axes.set(xlabel="settings tried, k", ylabel=measure.axis(f"validation {measure.title}"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(fontsize=8, ncols=4, loc="outside lower center")
    return figure
