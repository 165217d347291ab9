"""How easily verdicts change: the seeds without which they do, and the least p-value that their test can give."""

from collections.abc import Iterable, Mapping

from markupsafe import Markup

from reglab.evaluation.statistics import smallest_p
from reglab.report.formats import missing, p_value

MARK = "‡"
LEGEND = "Leaving a single seed out gives another verdict; pointing at the mark shows which."
CORRECTED = (
    "Verdicts are corrected for the number of comparisons by Holm’s method and intervals are not, so “cannot tell” may stand "
    "beside an interval that leaves out zero."
)


def turned(row: Mapping) -> str:
    """The other verdicts in words, such as "cannot tell without seed 3 or 4"; empty where no single seed changes it.

    `row` is one of metrics.json.
    """
    seeds: dict[str, list[str]] = {}
    for seed, verdict in (row.get("turns_without") or {}).items():
        seeds.setdefault(verdict, []).append(seed)
    return "; ".join(f"{verdict} without seed {alternatives(without)}" for verdict, without in seeds.items())


def alternatives(names: list[str]) -> str:
    """1, 2 or 3."""
    *first, last = sorted(names, key=int)
    return f"{', '.join(first)} or {last}" if first else last


def turning(row: Mapping) -> Markup:
    """The mark of a verdict that changes without one seed, with the other verdicts as a tooltip; empty for other verdicts."""
    words = turned(row)
    if not words:
        return Markup("")
    return Markup('<abbr class="below" title="p {}; {}">{}</abbr>').format(p_value(row.get("p_holm")), words, MARK)


def least_p(rows: Iterable[Mapping], seeds: int) -> float | None:
    """The corrected p-value of the rows whose differences have one sign in all seeds: none of them can have a lower one.

    None where there is no such row.
    """
    known = [row for row in rows if not missing(row.get("p")) and not missing(row.get("p_holm"))]
    return min((row["p_holm"] for row in known if row["p"] <= smallest_p(seeds)), default=None)


def is_least(row: Mapping, least: float | None) -> bool:
    """Whether its corrected p-value is that of `least_p`, which the page states once for all rows that have it."""
    return least is not None and not missing(row.get("p_holm")) and abs(row["p_holm"] - least) < 1e-12
