"""Answers the study's question in words: which techniques help, by how much, at what cost, and which effects are unclear."""

from typing import NamedTuple

from markupsafe import Markup

from reglab.core.wording import many
from reglab.evaluation.statistics import smallest_seeds
from reglab.report import looked
from reglab.report.formats import fixed, listed, missing, percent, setting
from reglab.report.measure import AMOUNTS, deciding, label_words, relevant_difference
from reglab.report.nearness import MARK
from reglab.report.tables import VERDICTS, Row

PLACEBO = "placebo"
NO_EXTRA = 1.05  # a cost relative to none up to this is no extra cost


class Point(NamedTuple):
    """One thing to know beside the answer: what it is about, the sentence, and whether it should worry."""

    about: str
    text: Markup
    alarming: bool = False


def link(row: Row) -> Markup:
    return Markup('<a href="#{}">{}</a>').format(row.id, row.name)


def gain(row: Row) -> Markup:
    """The name, with its difference."""
    return Markup("{} ({})").format(link(row), row.measure.difference(row.difference.mean))


def setting_of(settings: dict) -> str:
    """The data, their size and their label noise, in words."""
    data = settings["data"]
    name = settings.get("dataset", data)["name"]  # of data of one's own the file or folder, not the kind of source
    size, noise = data.get("train_size"), data.get("label_noise")
    of_amounts = label_words(settings["evaluation"].get("metric", "accuracy")) is AMOUNTS if noise else False
    changed = "targets exchanged" if of_amounts else "labels wrong"
    wrong = f", {percent(noise, 0)}\u00a0% of their {changed}" if noise else ""
    return f"{name} ({setting(size)} training examples{wrong})" if size else name


def price(cost: float | None) -> str:
    if missing(cost):
        return "at an unknown cost"
    extra = cost > NO_EXTRA or round(cost, 1) < 1
    return f"at {fixed(cost, 1)} times the computation of none" if extra else "at no extra computation"


def at_no_extra_cost(helps: list[Row], seeds: int) -> Markup:
    """Beside a best that costs more: what helps most without that, and how far the best is ahead of it over these seeds."""
    best, *others = helps
    cost = best.numbers.get("cost")
    if not missing(cost) and cost <= NO_EXTRA:
        return Markup("")
    free = [row for row in others if not missing(row.numbers.get("cost")) and row.numbers["cost"] <= NO_EXTRA]
    if not free:
        return Markup(" No recipe without extra computation is shown to help.")
    first, measure = free[0], free[0].measure
    mean, low, high = measure.sizes(first.difference)
    text = Markup(" At no extra computation, <b>{}</b> helps most, by <b>{}</b> ({} to {})").format(
        link(first), measure.counted(mean), low, high
    )
    behind = first.numbers.get("behind_best")
    if behind and behind["leader"] == best.name:
        lead, low, high = (measure.value(behind[key]) for key in ("difference", "low", "high"))
        tail = f", over the first {seeds} seeds" if "look" in first.numbers else ""
        tail += "" if behind["excluded"] else ", and chance is not ruled out"
        text += Markup("; {} is ahead of it by {} ({} to {}){}").format(
            best.name, measure.counted(lead), low, high, tail
        )
    return text + "."


def candidates(table: list[Row]) -> list[Row]:
    """The methods under test: not the reference, the placebo or a classical method."""
    return [row for row in table if not (row.reference or row.classical or row.name == PLACEBO)]


def compared(table: list[Row], verdict: str) -> list[Row]:
    """The candidates with this verdict, the largest difference first."""
    rows = [row for row in candidates(table) if row.verdict == verdict and row.ranked]
    return sorted(rows, key=lambda row: -abs(row.difference.mean or 0.0))


def headline(table: list[Row], settings: dict, given: str = "") -> Markup:
    """The answer in a sentence: which recipe helps most, by how much, at what cost; or why there is no answer.

    `given`: what else the answer depends on, behind the data.
    """
    seeds = looked.seeds_in_words(candidates(table), settings)
    place = setting_of(settings) + given
    reference = next((row for row in table if row.reference), None)
    if reference is None or reference.diverged:
        fate = "is not among the recipes" if reference is None else "diverged"
        return Markup("No answer: <b>none</b>, which everything is compared with, {}.").format(fate)
    helps, unclear = compared(table, "helps"), compared(table, "cannot tell")
    recipes = candidates(table)
    if not recipes:
        return Markup("Nothing to compare: params.yaml names no regularizer beside <b>none</b>.")
    if helps:
        best, measure = helps[0], helps[0].measure
        mean, low, high = measure.sizes(best.difference)
        return Markup(
            "On {}, {}<b>{}</b> {}: it {} {} from {} to {}, by <b>{}</b> ({}\u00a0% interval {} to {}, {}), {}."
        ).format(
            place, *(("", link(best), "helps most") if len(helps) > 1 else ("only ", link(best), "is shown to help")),
            "lowers" if measure.lower_is_better else "raises", measure.name, measure.with_unit(start(best, reference)),
            measure.with_unit(best.value), measure.counted(mean),
            looked.percentage(looked.confidence_of(best, settings)), low, high,
            many(looked.seeds_of(best, settings), "seed"),
            price(best.numbers.get("cost")),
        ) + at_no_extra_cost(helps, settings["seeds"])  # fmt: skip
    if all(not row.ranked for row in recipes):
        return Markup("On {}, every recipe diverged or failed its check: none but <b>none</b> can be judged.").format(
            place
        )
    if len(unclear) == len([row for row in recipes if row.ranked]):
        measure = unclear[0].measure
        first = max(unclear, key=lambda row: measure.sign * row.difference.mean)
        return Markup(
            "On {}, {} cannot tell whether anything helps. The best mean difference of {} is {}, by <b>{}</b>, "
            "and chance is not ruled out."
        ).format(
            place, seeds, measure.name, measure.counted(measure.difference(first.difference.mean)), link(first)
        )  # fmt: skip
    return Markup("On {}, nothing that was tried is shown to help: not one of {} with {}.").format(
        place, many(len(recipes), "recipe"), seeds
    )


def start(row: Row, reference: Row) -> float:
    """The mean of the reference over the seeds of the row, of which the reference may have more."""
    return row.value - row.difference.mean if "look" in row.numbers else reference.value


def points_to_know(table: list[Row], settings: dict, metrics: dict) -> list[Point]:
    """The points beside the answer, the most important first; `metrics` is reports/metrics.json."""
    return (
        by_verdict(table, settings)
        + seeds(table, settings, metrics)
        + near_to_turning(table, metrics)
        + placebo(table)
        + classical(table)
        + power(table, settings)
    )


def seeds(table: list[Row], settings: dict, metrics: dict) -> list[Point]:
    """How many seeds the recipes have, where they may differ."""
    text = looked.sentences(candidates(table), metrics.get("looks"), settings)
    return [Point("Seeds", text)] if text else []


def by_verdict(table: list[Row], settings: dict) -> list[Point]:
    """A point for each verdict that recipes have."""
    measure, relevant = deciding(settings), relevant_difference(settings)
    within = measure.counted(f"{measure.scale * relevant:g}")
    helps = compared(table, "helps")
    points = []
    if others := helps[1:]:
        text = Markup("{}.").format(listed([gain(row) for row in others]))
        points.append(Point("Also help" if len(others) > 1 else "Also helps", text))
    if hurts := compared(table, "hurts"):
        text = Markup("{}.").format(listed([gain(row) for row in hurts]))
        points.append(Point("Hurt" if len(hurts) > 1 else "Hurts", text))
    if same := compared(table, "no relevant difference"):
        text = Markup("{}: within {} of none, up or down.").format(listed([link(row) for row in same]), within)
        points.append(Point("No relevant difference", text))
    if unclear := compared(table, "cannot tell"):
        points.append(Point("Cannot tell", uncertain(unclear)))
    if diverged := [row for row in table if row.diverged]:
        text = Markup("{}. A recipe that diverged is not ranked.").format(listed([divergence(row) for row in diverged]))
        points.append(Point("Diverged", text, alarming=True))
    if wrong := [row for row in table if row.verdict == "check failed"]:
        text = Markup("{}: a technique in it does not do what its formula says, so it is not ranked.")
        points.append(Point("Failed its check", text.format(listed([link(row) for row in wrong])), alarming=True))
    return points


def near_to_turning(table: list[Row], metrics: dict) -> list[Point]:
    """How many verdicts a single seed turns, those of the table by name; of the claims, those that are paired over seeds."""
    judged = [row for row in table if row.verdict in VERDICTS and not row.classical]
    turned = [row for row in judged if row.numbers.get("turns_without")]
    claims = metrics.get("claims", {})
    paired = {name: row for name, row in claims.items() if row.get("over", "seeds") == "seeds"}  # others lose no seed
    others = {
        "declared pairs": metrics.get("comparisons", {}),
        "claims" if len(paired) == len(claims) else "claims that are paired over seeds": paired,
    }
    counts = [
        Markup("{} of {} {}").format(sum(bool(row.get("turns_without")) for row in rows.values()), len(rows), what)
        for what, rows in others.items()
        if rows
    ]
    names = Markup(" ({})").format(listed([link(row) for row in turned])) if turned else ""
    counts.insert(0, Markup("{} of {} verdicts of the table{}").format(len(turned), len(judged), names))
    text = Markup("Leaving a single seed out turns {}; they are marked {}.").format(listed(counts), MARK)
    return [Point("Near to turning", text)] if judged else []


def uncertain(unclear: list[Row]) -> Markup:
    """The differences, and about how many seeds would tell; said once where it is the same for all."""
    needed = {row.numbers.get("seeds_needed") for row in unclear} - {None}
    if len(needed) < 2:
        tail = f" About {needed.pop()} seeds would be needed." if needed else ""
        return Markup("{}.{}").format(listed([gain(row) for row in unclear]), tail)
    parts = [
        Markup("{} ({}; {} seeds)").format(
            link(row), row.measure.difference(row.difference.mean), row.numbers.get("seeds_needed") or "?"
        )
        for row in unclear
    ]
    return Markup("{}. In brackets the difference, and about how many seeds would be needed.").format(listed(parts))


def divergence(row: Row) -> Markup:
    diverged = row.entry.seeds("diverged")
    return Markup("{} (in {} of {} seeds)").format(link(row), len(diverged), len(row.entry.record["seeds"]))


def placebo(table: list[Row]) -> list[Point]:
    """The control: a technique that does nothing must come out as no difference."""
    row = next((row for row in table if row.name == PLACEBO and row.ranked), None)
    if row is None:
        return []
    if row.verdict == "no relevant difference":
        text = Markup("{} does nothing but draw random numbers, and shows no relevant difference, as it must.")
    elif row.verdict == "cannot tell":
        text = Markup("{} does nothing, but with so few seeds even that cannot be shown.")
    else:
        text = Markup("{} does nothing, and yet its verdict is “{}”: trust no verdict here until this is explained.")
    alarming = row.verdict not in ("no relevant difference", "cannot tell")
    return [Point("Control", text.format(link(row), row.verdict), alarming)]


def classical(table: list[Row]) -> list[Point]:
    """Whether the networks beat the best classical method, which was chosen on validation data."""
    networks = [row for row in table if row.numbers.get("best_baseline") and row.ranked]
    if not networks:
        return []
    best = next(row for row in table if row.classical and row.name == networks[0].numbers["best_baseline"])
    above = [row for row in networks if row.numbers["beats_baselines"]]
    below = [row for row in networks if not row.numbers["beats_baselines"]]
    bar = Markup("the best of them, {} ({})").format(link(best), best.measure.with_unit(best.value))
    if not below:
        text = Markup("Every network beats {}.").format(bar)
    elif not above:
        text = Markup("No network is shown to beat {}.").format(bar)
    else:
        which = ("only", above) if len(above) <= len(below) else ("all but", below)
        verb = "is" if len(above) == 1 else "are"
        text = Markup("{} of {} networks {} shown to beat {}: {} {}.").format(
            len(above), len(networks), verb, bar, which[0], listed([link(row) for row in which[1]])
        )
    return [Point("Against classical methods", text, alarming=not above)]


def power(table: list[Row], settings: dict) -> list[Point]:
    """A warning where even the clearest effect could not pass the test."""
    comparisons = sum(not (row.classical or missing(row.numbers.get("p_holm"))) for row in table)
    least = smallest_seeds(comparisons, 1 - settings["evaluation"]["confidence"])
    if not comparisons or settings["seeds"] >= least:
        return []
    text = Markup("With {} the exact test needs {} seeds or more to call any effect real; the study has {}.")
    text = text.format(many(comparisons, "comparison"), least, settings["seeds"])
    return [Point("Too few seeds", text, alarming=True)]
