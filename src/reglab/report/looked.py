"""What the report says of recipes that have got more seeds than others: their number, and the confidence of an interval."""

from collections.abc import Iterable, Mapping

from markupsafe import Markup

from reglab.core.wording import many
from reglab.report.formats import listed
from reglab.report.tables import Row, unequal_seeds


def seeds_of(row: Row, settings: Mapping) -> int:
    """Over how many seeds the difference of a row is."""
    return row.numbers.get("look", {}).get("seeds", settings["seeds"])


def confidence_of(row: Row, settings: Mapping) -> float:
    """The confidence of its interval."""
    return row.numbers.get("look", {}).get("confidence", settings["evaluation"]["confidence"])


def seeds_in_words(table: Iterable[Row], settings: Mapping) -> str:
    """11 seeds, or 11 to 44 seeds where the rows of a table differ."""
    counts = [seeds_of(row, settings) for row in table if not row.reference] or [settings["seeds"]]
    return many(counts[0], "seed") if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)} seeds"


def percentage(confidence: float) -> str:
    """95, or 98.9 where it is that of a look."""
    return f"{round(100 * confidence, 1):g}"


def confidence_in_words(table: Iterable[Row], settings: Mapping) -> str:
    """95 %, or 96.2 to 98.9 % where the rows of a table differ."""
    known = sorted({confidence_of(row, settings) for row in table if not (row.classical or row.reference)})
    known = known or [settings["evaluation"]["confidence"]]
    ends = dict.fromkeys(map(percentage, (known[0], known[-1])))
    return f"{' to '.join(ends)}\u00a0%"


def pairing(table: list[Row]) -> str:
    """What a difference in a table is over where its rows have unequal numbers of seeds; empty elsewhere."""
    if not unequal_seeds(table):
        return ""
    return (
        "Not all rows have the same number of seeds. A difference is over the recipe’s own seeds, paired with none on the "
        f"same seeds, so two values of {table[0].measure.title} in the table need not differ by it."
    )


def sentences(table: list[Row], looks: Mapping | None, settings: Mapping) -> Markup | None:
    """Which recipes have more seeds than others, and how the looks share the error; None in a study without looks.

    `looks` are those of metrics.json.
    """
    if not looks:
        return None
    first, most = looks["seeds"][0], looks["seeds"][-1]
    grown = [row for row in table if seeds_of(row, settings) > first]
    if grown:
        each = (
            Markup('<a href="#{}">{}</a> {}').format(row.id, row.name, seeds_of(row, settings))
            for row in sorted(grown, key=lambda row: (seeds_of(row, settings), row.name))
        )
        text = Markup("Every recipe began with {} seeds. Undecided ones that {} or fewer could decide got more: {}. ")
        text = text.format(first, most, Markup(", ").join(each))
    else:
        text = Markup("Every recipe has {} seeds: no undecided one could be decided by {}. ").format(first, most)
    level = 100 * (1 - settings["evaluation"]["confidence"])
    return text + Markup(
        "Looks were planned at {} seeds, where a single comparison needs a p-value of at most {}, so that all looks together "
        "err in {:.3g}\u00a0% of studies. A p-value here is that of all looks so far, and an interval has the confidence of "
        "its look, {}."
    ).format(
        listed(looks["seeds"]),
        listed(f"{nominal:.3g}" for nominal in looks["nominal"]),
        level,
        listed(f"{percentage(1 - nominal)}\u00a0%" for nominal in looks["nominal"]),
    )
