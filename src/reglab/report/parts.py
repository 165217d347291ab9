"""What this study has to say to each section of the lecture: what ran, which checks hold, what became of its claims."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from reglab.report.chapter import PARTS, Part, place_of
from reglab.report.collect import Entry
from reglab.report.formats import fixed, missing, percent, points, significant
from reglab.report.formulas import mathml
from reglab.report.study import Study

ELSEWHERE = ("attacks", "augmentation")  # families whose figures and checks stand in sections of their own
ANCHORS = {"attacks": "attack", "augmentation": "topic", "theory": "topic"}  # of an entry, before its name
SHARES = (
    "accuracy",
    "error",
    "gap",
    "iou",
    "probe",
    "share",
    "zero_weights",
)  # in the names of what is told in percent
VERDICTS = {"supported": "helps", "contradicted": "hurts", "cannot tell": "cannot-tell"}  # and how each looks


def anchor(entry: Entry) -> str:
    """Where an entry stands on the page."""
    return f"{ANCHORS.get(entry.family, entry.family)}-{entry.name}"


@dataclass(frozen=True)
class Claimed:
    """A claim of params.yaml as it came out, by its row of metrics.json."""

    id: str
    row: dict
    entries: dict[str, Entry]

    @property
    def looks(self) -> str:
        return VERDICTS[self.row["verdict"]]

    @property
    def effect(self) -> Markup:
        """Both values, the difference and its interval."""
        share = any(word in self.row["metric"] for word in SHARES)
        value = percent if share else significant
        difference = points if share else signed
        found, versus = self.row["value"], self.row["versus_value"]
        unit = "\u00a0%" if share else ""
        between = (
            "" if missing(self.row["low"]) else f", {difference(self.row['low'])} to {difference(self.row['high'])}"
        )
        return Markup("{}{} against {}{}: {}{}").format(
            value(found), unit, value(versus), unit, difference(self.row["difference"]), between
        )

    @property
    def compared(self) -> Markup:
        """The metric, the recipe and what it is held against, with links."""
        metric = self.row["metric"].replace("_", " ")
        versus = self.row["versus"]
        against = self.named(versus) if isinstance(versus, str) else significant(versus)
        return Markup("{} of {}, {} than {}" if self.row["direction"] != "same" else "{} of {}, the {} as {}").format(
            metric, self.named(self.row["recipe"]), self.row["direction"], against
        )

    def named(self, name: str) -> Markup:
        entry = self.entries.get(name)
        return Markup('<a href="#{}">{}</a>').format(anchor(entry), name) if entry else Markup("{}").format(name)


def signed(x: float | None) -> str:
    return fixed(x, 3, sign="+") if not missing(x) and 1e-3 <= abs(x) < 10 else ("+" if x > 0 else "") + significant(x)


@dataclass(frozen=True)
class Told:
    """A section of the lecture with what belongs to it in this study."""

    part: Part
    entries: list[Entry]
    topics: list[Entry]
    checks: list[dict]
    claims: list[Claimed]
    see: dict[str, str]

    @property
    def formulas(self) -> list[Markup]:
        return [mathml(formula) for formula in self.part.formulas]

    @property
    def groups(self) -> dict[str, list[Entry]]:
        """What ran here, by section of params.yaml."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.family.replace("_", " "), []).append(entry)
        return found


def told(study: Study, sections: dict[str, str]) -> list[Told]:
    """Every section of the lecture, in its order; `sections`: titles of the page's other sections by id."""
    topics = {entry.name: entry for entry in study.family("theory")}
    claims = claimed(study)
    checks: dict[str, list[dict]] = {}
    for home, check in placed(study.entries):
        checks.setdefault(home, []).append(check)
    return [
        Told(
            part,
            [entry for entry in study.entries if belongs(entry, part)],
            [topics[name] for name in part.topics if name in topics],
            checks.get(part.id, []),
            [claim for claim in claims if claim.row["lecture"] == part.id],
            {id: sections[id] for id in part.see if id in sections},
        )
        for part in PARTS
    ]


def belongs(entry: Entry, part: Part) -> bool:
    if entry.family == "theory":
        return False
    if entry.family == "attacks" and not (entry.record["models"] or entry.record["skipped"]):
        return False  # nothing of it is shown
    return entry.family in part.families or bool(set(entry.record["technique"]) & set(part.techniques))


def placed(entries: Iterable[Entry]) -> Iterable[tuple[str, dict]]:
    """Every check with the section it stands in: that of its technique, else that of its topic or entry."""
    for entry in entries:
        if entry.family in ELSEWHERE:
            continue
        for check in entry.record["checks"]:
            home = place_of(check["technique"]) if "technique" in check else None
            yield (home or home_of(entry)).id, check


def home_of(entry: Entry) -> Part:
    return next(part for part in PARTS if entry.name in part.topics + part.techniques or entry.family in part.families)


def claimed(study: Study) -> list[Claimed]:
    """In the order of params.yaml."""
    entries = {entry.name: entry for entry in study.entries if entry.family != "theory"}
    return [Claimed(name, row, entries) for name, row in study.metrics.get("claims", {}).items()]


def tally(claims: list[Claimed]) -> str:
    """How many of them have which verdict."""
    found = Counter(claim.row["verdict"] for claim in claims)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS if found[verdict])
