"""How the recipes stand up to attacks: a table, a figure, and what adversarial inputs of one do to the others."""

from dataclasses import dataclass
from statistics import NormalDist

from markupsafe import Markup

from reglab.report.collect import Entry, Shown
from reglab.report.drawings import picture
from reglab.report.formats import percent

ATTACKS = {"fast_gradient": "Fast gradient", "projected_gradient": "Projected gradient", "strong": "Strong"}


@dataclass(frozen=True)
class Attacked:
    """One recipe under attack: scores at the largest epsilon by attack, and the reliability checks that fail.

    Scores are accuracies, or root mean squared errors of amounts.
    """

    name: str
    clean: float
    scores: dict[str, float]
    smallest_epsilon: float | None
    failed: list[str]


@dataclass(frozen=True)
class TransferScore:
    """The score of `target` on inputs made for `source`; `bad` is how bad it is, from 0 to 1."""

    source: str
    target: str
    score: float
    bad: float

    @property
    def style(self) -> Markup:
        """The worse the score, the more of the colour; the text stays legible on it, on light and dark pages."""
        return Markup("background: color-mix(in srgb, var(--bad) {:.0f}%, transparent)").format(60 * self.bad)


@dataclass(frozen=True)
class AttackedFamily(Shown):
    """The record of one family, ready for the page."""

    beside: dict | None  # what the same attacks left of `none`, where it is of another family

    @property
    def figure(self) -> Markup | None:
        return picture(self.entry, "attack", f"{self.metric} against epsilon")

    @property
    def metric(self) -> str:
        """What the scores are: accuracy, or rmse."""
        return self.entry.record.get("metric", "accuracy")

    @property
    def settings(self) -> dict:
        return self.entry.record["settings"][self.name]

    @property
    def epsilon(self) -> float:
        """The largest: that of every score in the table."""
        return self.settings["epsilons"][-1]

    @property
    def pictured(self) -> str:
        """The recipe whose example the figure shows: none, or else the first."""
        models = self.entry.record["models"]
        return "none" if "none" in models else next(iter(models))

    @property
    def skipped(self) -> list[str]:
        return list(self.entry.record["skipped"])

    @property
    def rows(self) -> list[Attacked]:
        """Those that can be believed first, the best under the strong attack first; `none` among them, of whatever family."""
        rows, sign = [], -1 if self.metric == "accuracy" else 1
        for name, model in (self.entry.record["models"] | ({"none": self.beside} if self.beside else {})).items():
            at_largest = {kind: end_of(model["curves"][kind]) for kind in ATTACKS}
            rows.append(Attacked(name, model["clean"], at_largest, model["smallest_epsilon"], model["unreliable"]))
        return sorted(rows, key=lambda row: (bool(row.failed), sign * row.scores["strong"], sign * row.clean))

    @property
    def transfer(self) -> list[tuple[str, list[TransferScore]]]:
        """A row for each recipe that inputs were made for, a column for each that judges them, both as in the table."""
        models = self.entry.record["models"]
        names = [row.name for row in self.rows if row.name in models]
        worst = max((value for name in names for value in models[name]["transfer"].values()), default=0.0)

        def cell(source: str, target: str) -> TransferScore:
            score = models[target]["transfer"][source]
            bad = 1 - score if self.metric == "accuracy" else score / (worst or 1.0)
            return TransferScore(source, target, score, bad)

        return [(source, [cell(source, target) for target in names]) for source in names]

    def doubt(self, confidence: float) -> str:
        """How far an accuracy of one half on so many examples may lie from that on all, in points: z / (2 sqrt n)."""
        return percent(NormalDist().inv_cdf((1 + confidence) / 2) / (2 * self.settings["examples"] ** 0.5), 0)


def end_of(curve: list[float] | float) -> float:
    return curve[-1] if isinstance(curve, list) else curve


def families(entries: list[Entry]) -> list[AttackedFamily]:
    """The records of attacks that have something to show."""
    attacked = [entry for entry in entries if entry.family == "attacks"]
    shown = [entry for entry in attacked if entry.record["models"] or entry.record["skipped"]]
    return [AttackedFamily(entry, none_beside(entry, shown)) for entry in shown]


@dataclass(frozen=True)
class Standing:
    """The score of a recipe under attack, and its difference to that of `none` (None where that was not attacked so)."""

    score: float
    difference: float | None
    epsilon: float
    norm: str
    believed: bool


def standings(entries: list[Entry]) -> dict[tuple[str, str], Standing]:
    """(family, name) -> what the strong attack leaves at the last epsilon."""
    by_name = {}
    for family in families(entries):
        models = family.entry.record["models"]
        none = models.get("none") or family.beside
        for name, model in models.items():
            left = end_of(model["curves"]["strong"])
            difference = left - end_of(none["curves"]["strong"]) if none and name != "none" else None
            by_name[family.name, name] = Standing(
                left, difference, family.epsilon, family.settings["norm"], not model["unreliable"]
            )
    return by_name


def none_beside(entry: Entry, attacked: list[Entry]) -> dict | None:
    """What was left of `none` where another family was attacked within the same epsilons."""

    def way(of: Entry) -> list:
        settings = of.record["settings"][of.name]
        return [settings[name] for name in ("norm", "epsilons")]

    if "none" in entry.record["models"]:
        return None
    others = (other.record["models"].get("none") for other in attacked if way(other) == way(entry))
    return next(filter(None, others), None)
