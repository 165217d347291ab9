"""Says which recipes cannot be told from the best, and which of them is the cheapest."""

from markupsafe import Markup

from reglab.core.wording import many
from reglab.evaluation.statistics import smallest_seeds
from reglab.report.answer import Point, link, price
from reglab.report.formats import listed
from reglab.report.tables import Row


def of_family(family: str, table: list[Row], settings: dict, metrics: dict) -> list[Point]:
    """The point on the recipes of a family of `best_sets` in reports/metrics.json, which `metrics` is."""
    best = metrics.get("best_sets", {}).get(family)
    return point(table, best, settings["seeds"], looks=bool(metrics.get("looks")))


def point(table: list[Row], best: dict | None, seeds: int, *, looks: bool = False) -> list[Point]:
    """`best` is as in `evaluation.best.best_set`, of these rows; nothing where no two recipes were compared.

    `seeds`: the number over which the set is, which with `looks` is that of the first look.
    """
    if not best or best["compared"] < 2:
        return []
    named = {row.name: row for row in table}
    leader, *others = (link(named[name]) for name in best["members"])
    least = smallest_seeds(1, 2 * (1 - best["confidence"]))  # of a one-sided test
    rest, at = many(best["compared"] - 1, "other network"), f"at {100 * best['confidence']:g}\u00a0% confidence"
    if seeds < least:
        text = Markup("{} leads, but it takes {} seeds to show that any other network is worse; the study has {}.")
        return [Point("Which is best", text.format(leader, least, seeds))]
    if not others:
        text = Markup("{} is shown to be better than {}.").format(
            leader, rest if rest[:2] == "1 " else f"each of {rest}"
        )
    elif 2 < len(others) + 1 == best["compared"]:
        text = Markup("{} leads, and {} not one of {} is shown to be worse.").format(leader, at, rest)
    else:
        text = Markup("Of {} networks, {} leads; {} {} cannot be told from it.").format(
            best["compared"], leader, at, listed(others)
        )
    text += cheapest(named, best) if others else ""
    if looks:
        text += Markup(
            " This compares all recipes over their first {} seeds, also where a verdict is over more."
        ).format(seeds)
    return [Point("Which is best", text)]


def cheapest(named: dict[str, Row], best: dict) -> Markup:
    """A sentence on the cheapest recipe of the set; nothing where no cost is known."""
    if not best["cheapest"]:
        return Markup("")
    row = named[best["cheapest"]]
    if row.reference:
        return Markup(" The cheapest of them is {} itself.").format(link(row))
    return Markup(" The cheapest of them is <b>{}</b>, {}.").format(link(row), price(row.numbers["cost"]))
