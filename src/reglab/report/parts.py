"""What this study has to say to each section of the lecture: what ran, which checks hold, what became of its claims."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from latex2mathml.converter import convert
from markupsafe import Markup

from reglab.core.families import BY_SECTION
from reglab.report.applicable import Inapplicable
from reglab.report.chapter import PARTS, Part, place_in, place_of
from reglab.report.collect import Entry
from reglab.report.formats import amount, missing, value
from reglab.report.study import Study

NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'  # which HTML implies
# How each verdict looks.
LOOKS = {"supported": "helps", "contradicted": "hurts", "no relevant difference": "no-relevant-difference"}
LOOKS |= {"cannot tell": "cannot-tell", "diverged": "diverged", "check failed": "diverged"}


def anchor(entry: Entry) -> str:
    """Where an entry stands on the page."""
    return f"{BY_SECTION[entry.family].anchor or entry.family}-{entry.name}"


def anchored(entry: Entry) -> bool:
    """Does it stand anywhere on the page, beside its row under "What ran"?"""
    if entry.family == "attacks":
        return bool(entry.record["models"] or entry.record["skipped"])
    family = BY_SECTION[entry.family]
    return family.trains or bool(family.anchor)


@dataclass(frozen=True)
class Claimed:
    """A claim of params.yaml as it came out: its row of metrics.json."""

    id: str
    row: dict
    study: Study

    @property
    def looks(self) -> str:
        return LOOKS[self.row["verdict"]]

    @property
    def effect(self) -> str:
        """The difference and its interval; nothing where it is not known."""
        difference, low, high = (amount(self.row[key], self.row["metric"]) for key in ("difference", "low", "high"))
        if missing(self.row["difference"]):
            return ""
        return f"{difference} ({low} to {high})" if not missing(self.row["low"]) else difference

    @property
    def compared(self) -> Markup:
        """What was held against what, and what was expected, with links."""
        metric, other = self.row["metric"], self.row["versus_metric"]
        versus = self.row["versus"]
        against = self.study.link(versus) if isinstance(versus, str) else value(versus, metric)
        if other and other != metric:
            against = Markup("{} of {}").format(other.replace("_", " "), against)
        direction, margin = self.row["direction"], self.row["margin"]
        if direction == "same":
            expected = Markup("the same as {} within {}").format(against, value(margin, metric))
        else:
            beyond = f" by more than {value(margin, metric)}" if margin else ""
            expected = Markup("{} than {}{}").format(direction, against, beyond)
        return Markup("{} of {}: {}").format(metric.replace("_", " "), self.study.link(self.row["recipe"]), expected)


@dataclass(frozen=True)
class ChapterEntry:
    """A section of the lecture with what belongs to it in this study."""

    part: Part
    entries: list[Entry]
    topics: list[Entry]
    checks: list[dict]
    claims: list[Claimed]
    see: dict[str, str]
    inapplicable: list[Inapplicable] = field(default_factory=list)  # claims

    @property
    def formulas(self) -> list[Markup]:
        formulas = (convert(formula, display="block") for formula in self.part.formulas)
        return [Markup(formula.replace(NAMESPACE, "")) for formula in formulas]

    @property
    def groups(self) -> dict[str, list[Entry]]:
        """What ran here, by section of params.yaml."""
        by_part: dict[str, list[Entry]] = {}
        for entry in self.entries:
            by_part.setdefault(entry.family.replace("_", " "), []).append(entry)
        return by_part


def chapter_entries(study: Study, sections: dict[str, str]) -> list[ChapterEntry]:
    """Every section of the lecture, in its order; `sections`: titles of the page's other sections by id.

    The last one, for techniques that the lecture does not have, is there where the study has some.
    """
    claims = claimed(study)
    checks: dict[str, list[dict]] = {}
    for part_id, check in checks_by_part(study.entries):
        checks.setdefault(part_id, []).append(check)
    entries = [
        ChapterEntry(
            part,
            [entry for entry in study.entries if belongs(entry, part)],
            [entry for entry in study.family("theory") if part_of(entry) is part],
            checks.get(part.id, []),
            [claim for claim in claims if claim.row["lecture"] == part.id],
            {id: sections[id] for id in part.see if id in sections},
            [claim for claim in study.inapplicable("claims") if claim.row["lecture"] == part.id],
        )
        for part in PARTS
    ]
    *lecture, other = entries
    return entries if other.entries or other.topics or other.checks or other.claims or other.inapplicable else lecture


def belongs(entry: Entry, part: Part) -> bool:
    if entry.family == "theory" or not anchored(entry):
        return False
    return entry.family in part.families or any(place_of(name) is part for name in entry.record["technique"])


def checks_by_part(entries: Iterable[Entry]) -> Iterable[tuple[str, dict]]:
    """Every check with the section it stands in: that of its technique, else that of its topic or entry."""
    for entry in entries:
        if BY_SECTION[entry.family].has_own_section:
            continue
        for check in entry.record["checks"]:
            part = place_of(check["technique"]) if "technique" in check else None
            yield (part or part_of(entry)).id, check


def part_of(entry: Entry) -> Part:
    place = place_in("theory", entry.name) if entry.family == "theory" else place_of(entry.name)
    return next((part for part in PARTS if part is place or entry.family in part.families), PARTS[-1])


def claimed(study: Study) -> list[Claimed]:
    """In the order of params.yaml."""
    return [Claimed(name, row, study) for name, row in study.metrics["claims"].items()]


def verdict_counts(claims: list[Claimed]) -> str:
    """How many of them have which verdict."""
    counts = Counter(claim.row["verdict"] for claim in claims)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in LOOKS if counts[verdict])
