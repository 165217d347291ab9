"""The tuned study on the leading page: what a technique adds where it and `none` are tuned and keep their best epoch.

Its table has three kinds of verdict: tuned, as configured, and against early stopping. Further tables have the recipes that
are tuned again: on right labels, and there with another network.
"""

from dataclasses import dataclass

from markupsafe import Markup

from reglab.core.wording import many
from reglab.report import best_set
from reglab.report.answer import Point, by_verdict, headline, link, placebo, power, seeds
from reglab.report.collect import Entry
from reglab.report.formats import listed, setting, significant
from reglab.report.measure import Interval, Measure
from reglab.report.tables import DIFFERENCE, Row, sorted_rows

TUNED, CLEAN, OTHER_NETWORK = "tuned", "tuned_clean", "tuned_other_network"
OTHER_KINDS = {  # of verdict, beside the tuned one: key in metrics.json, heading, its tooltip
    "as_configured": ("As configured", "The recipe as params.yaml has it, against none as params.yaml has it"),
    "against_early_stopping": (
        "Against early stopping",
        "The recipe as params.yaml has it, against early_stopping as params.yaml has it",
    ),
}
OUTCOMES = {  # a verdict in a sentence, of one recipe and of several
    "helps": ("helps", "help"),
    "hurts": ("hurts", "hurt"),
    "no relevant difference": ("makes no relevant difference", "make no relevant difference"),
    "cannot tell": ("cannot be told from none", "cannot be told from none"),
}


@dataclass(frozen=True)
class TunedRow(Row):
    """A tuned recipe, with the numbers that a row of the results table has, and its row in metrics.json as `result`."""

    result: dict | None = None

    @property
    def reference(self) -> bool:
        """Is it `none` tuned, which every difference is to?"""
        return self.name == "none"

    @property
    def chosen(self) -> str:
        """The settings that validation data chose, of the training and of the technique, in words."""
        return ", ".join(f"{name.replace('_', ' ')} {in_words(value)}" for name, value in self.result["chosen"].items())

    def other(self, kind: str) -> "OtherVerdict | None":
        """The verdict of another kind: `as_configured` or `against_early_stopping`."""
        row = self.result[kind]
        return OtherVerdict(row["verdict"], Interval.of(row, "difference")) if row else None


@dataclass(frozen=True)
class OtherVerdict:
    """A verdict on the recipe with the settings of params.yaml."""

    verdict: str
    difference: Interval


def in_words(value: object) -> str:
    """A setting, numbers with three digits."""
    return significant(value) if type(value) in (int, float) else setting(value)


def rows(entries: list[Entry], metrics: dict, measure: Measure, family: str = TUNED) -> list[TunedRow]:
    """One for each tuned recipe, in the order of the results table; none where nothing was tuned."""
    results = metrics.get(family, {})
    return sorted_rows(
        [
            TunedRow(entry, numbers(results[entry.name], measure.metric), measure, results[entry.name])
            for entry in entries
            if entry.family == family and entry.name in results
        ]
    )


def numbers(result: dict, metric: str) -> dict:
    """The numbers of a row of the results table, of the row in metrics.json."""
    compared = result["comparisons"][metric]
    ends = dict(zip(("difference", "low", "high"), (compared[key] for key in DIFFERENCE), strict=True))
    return compared | ends | {metric: compared["mean"]} | {key: result[key] for key in ("behind_best", "cost")}


def other_kinds(table: list[TunedRow]) -> list[tuple[str, str, str]]:
    """Those of OTHER_KINDS that any recipe of a table has: key, heading, tooltip."""
    return [(key, *words) for key, words in OTHER_KINDS.items() if any(row.result[key] for row in table)]


def answer(table: list[TunedRow], settings: dict) -> Markup:
    """The answer of the tuned study in a sentence."""
    tried = many(settings["tuning"]["settings"], "setting")
    return headline(table, settings, f", where every recipe is tuned with {tried} and keeps its best epoch")


@dataclass(frozen=True)
class OtherConditions:
    """The recipes of a family that are tuned again under other conditions, as the leading page has them.

    `title` and `about` are those of their part of the page and of their table, which both begin with `id`.
    """

    family: str
    id: str
    title: str
    about: str
    table: list[TunedRow]
    answer: Markup
    points: list[Point]


def tuned_again(entries: list[Entry], metrics: dict, settings: dict, measure: Measure) -> list[OtherConditions]:
    """What was tuned on right labels, and there with another network; nothing of a family without rows."""
    tables = {family: rows(entries, metrics, measure, family) for family in (TUNED, CLEAN, OTHER_NETWORK)}
    parts = {CLEAN: on_right_labels, OTHER_NETWORK: with_other_network}
    return [part(tables, settings, metrics) for family, part in parts.items() if tables[family]]


def on_right_labels(tables: dict[str, list[TunedRow]], settings: dict, metrics: dict) -> OtherConditions:
    """The recipes with the network of the study."""
    table = tables[CLEAN]
    changed = changed_from(
        tables[TUNED], table, "Changed by the labels", "where labels are wrong", "where they are right"
    )
    return OtherConditions(
        CLEAN,
        "right-labels",
        "On right labels",
        "Each recipe tuned on right labels",
        table,
        answer_again(table, settings, "all labels are right"),
        points_again(CLEAN, table, settings, metrics, changed),
    )


def with_other_network(tables: dict[str, list[TunedRow]], settings: dict, metrics: dict) -> OtherConditions:
    """The recipes with the network of their section, beside those with the study's on the same labels."""
    table, name, usual = (
        tables[OTHER_NETWORK],
        settings[OTHER_NETWORK]["model"]["name"],
        settings["model"]["name"],
    )
    beside = tables[TUNED if not settings["data"]["label_noise"] else CLEAN]
    changed = both_networks(beside, table, usual, name)
    changed += changed_from(beside, table, "Changed by the network", f"with {usual}", f"with {name}")
    return OtherConditions(
        OTHER_NETWORK,
        "other-network",
        f"On right labels, with {name}",
        f"Each recipe tuned with {name} on right labels",
        table,
        answer_again(table, settings, f"all labels are right, the network is {name}"),
        points_again(OTHER_NETWORK, table, settings, metrics, changed),
    )


def answer_again(table: list[TunedRow], settings: dict, where: str) -> Markup:
    """The answer of what was tuned again in a sentence; `where`: its conditions."""
    right = settings | {"data": settings["data"] | {"label_noise": 0.0}}
    return headline(table, right, f", where {where} and every recipe is tuned with the same budget")


def points_to_know(table: list[TunedRow], settings: dict, metrics: dict) -> list[Point]:
    """The points beside that answer, the most important first; `metrics` is reports/metrics.json."""
    return (
        best_set.of_family(TUNED, table, settings, metrics)
        + changed_by_tuning(table)
        + by_verdict(table, settings)
        + seeds(table, settings, metrics)
        + placebo(table)
        + power(table, settings)
    )


def changed_by_tuning(table: list[TunedRow]) -> list[Point]:
    """The recipes whose verdict is another one when all are tuned, by both verdicts; first those that turn around."""
    points = []
    for about, turned in (("Turned by tuning", True), ("Changed by tuning", False)):
        pairs = [(row, row.other("as_configured")) for row in table if row.result["turned"] == turned]
        verdicts = [(row, configured.verdict) for row, configured in pairs if configured]
        points += changes(about, verdicts, "as configured", "when tuned")
    return points


def points_again(
    family: str, table: list[TunedRow], settings: dict, metrics: dict, changed: list[Point]
) -> list[Point]:
    """The points beside the answer of what was tuned again; `changed` are those on what is another way elsewhere."""
    return (
        best_set.of_family(family, table, settings, metrics)
        + changed
        + by_verdict(table, settings)
        + seeds(table, settings, metrics)
        + placebo(table)
        + power(table, settings)
    )


def changed_from(beside: list[TunedRow], table: list[TunedRow], about: str, before: str, after: str) -> list[Point]:
    """A point on the recipes whose verdict is another one than in the table `beside`."""
    verdicts = {row.name: row.verdict for row in beside}
    return changes(about, [(row, verdicts[row.name]) for row in table if row.name in verdicts], before, after)


def both_networks(beside: list[TunedRow], table: list[TunedRow], usual: str, name: str) -> list[Point]:
    """The means of `none` tuned with either network; nothing where one of them is not there."""
    means = [next((row for row in rows if row.reference and row.ranked), None) for rows in (beside, table)]
    if None in means:
        return []
    before, after = (row.measure.with_unit(row.value) for row in means)
    first, second = (row.seed_count for row in means)
    splits = "on the same splits" if first == second else f"over {first} and {second} seeds"
    text = Markup("Tuned none has a mean {} of {} with {} and of {} with {}, {}.")
    return [Point("Both networks", text.format(table[0].measure.name, before, usual, after, name, splits))]


def changes(about: str, verdicts: list[tuple[TunedRow, str]], before: str, after: str) -> list[Point]:
    """A point on the rows that had another verdict `before`, by both verdicts; nothing where none had."""
    groups: dict[tuple[str, str], list[TunedRow]] = {}
    for row, verdict in verdicts:
        if row.verdict != verdict and OUTCOMES.keys() >= {row.verdict, verdict}:
            groups.setdefault((verdict, row.verdict), []).append(row)
    said = []
    for pair, rows in groups.items():
        first, second = (OUTCOMES[verdict][len(rows) > 1] for verdict in pair)
        text = Markup("{} {} {} and {} {}.")
        said.append(text.format(listed([link(row) for row in rows]), first, before, second, after))
    return [Point(about, Markup(" ").join(said))] if said else []
