"""What is not applicable: taken out of the numbers of the report, and shown with its reason in place of them."""

from dataclasses import dataclass

from markupsafe import Markup

from reglab.core.families import BY_SECTION
from reglab.evaluation.comparison import COMPARED
from reglab.report.answer import Point
from reglab.report.collect import Entry
from reglab.report.formats import listed

REASON = "not_applicable"  # the key of the sentence, in a record and in reports/metrics.json


@dataclass(frozen=True)
class Inapplicable:
    """An entry, pair or claim that is not applicable: its section and name, and its row of reports/metrics.json."""

    section: str
    name: str
    row: dict

    @property
    def id(self) -> str:
        return f"{self.section}-{self.name}"

    @property
    def kind(self) -> str:
        return BY_SECTION[self.section].kind

    @property
    def reason(self) -> str:
        return self.row[REASON]

    @property
    def link(self) -> Markup:
        """To its line under "What ran"; with its section where it is called as another section is."""
        family = BY_SECTION.get(self.section)
        named = f"{self.section}.{self.name}" if family and family.named_after else self.name
        return Markup('<a href="#ran-{}">{}</a>').format(self.id, named)


def split(entries: list[Entry], metrics: dict) -> tuple[list[Entry], dict, list[Inapplicable]]:
    """The entries and the metrics of what took part, and what did not."""
    kept, inapplicable = {}, []
    for section, rows in metrics.items():
        kept[section] = rows
        if isinstance(rows, dict):
            out = {name: row for name, row in rows.items() if isinstance(row, dict) and REASON in row}
            kept[section] = {name: row for name, row in rows.items() if name not in out}
            inapplicable += [Inapplicable(section, name, row) for name, row in out.items()]
    return [entry for entry in entries if REASON not in entry.record], kept, inapplicable


def point(inapplicable: list[Inapplicable]) -> list[Point]:
    """How many entries are not applicable, which, and why; nothing where all are applicable.

    A technique counts once, though it may have a sweep or a map as well.
    """
    by_reason: dict[str, dict[str, Markup]] = {}
    for each in sorted(
        (each for each in inapplicable if each.section in BY_SECTION), key=lambda each: BY_SECTION[each.section].order
    ):
        by_reason.setdefault(each.reason, {}).setdefault(each.name, each.link)
    count = sum(map(len, by_reason.values()))
    if not count:
        return []
    parts = [Markup("{} ({})").format(listed(list(links.values())), reason) for reason, links in by_reason.items()]
    words = (
        ("1 entry is", "it trains nothing and is")
        if count == 1
        else (f"{count} entries are", "they train nothing and are")
    )
    text = Markup("{} not applicable to these data and this network; {} compared with nothing: {}.")
    return [Point("Not applicable", text.format(*words, Markup("; ").join(parts)))]


def counted(inapplicable: list[Inapplicable]) -> str:
    """Beside the counts of verdicts: how many recipes have none because they are not applicable."""
    count = sum(each.section in COMPARED and not BY_SECTION[each.section].classical for each in inapplicable)
    return f"{count} not applicable" if count else ""
