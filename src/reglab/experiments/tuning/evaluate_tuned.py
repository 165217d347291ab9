"""The tuned recipes in reports/metrics.json: against `none` tuned with the same budget, and beside it the other verdicts.

Those that are tuned again, on right labels and perhaps with another network, have no other verdicts: as configured every
recipe has the study's labels and network.

Holm's correction is over all tuned recipes, because a reader looks for one that helps in all of them.
"""

from collections.abc import Mapping
from math import inf

from reglab.core.errors import UserError
from reglab.evaluation.best import behind_the_best, values_of_sound
from reglab.evaluation.comparison import NONE
from reglab.evaluation.interval import mean_interval
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_comparison import ComparisonPlan, compare_metrics
from reglab.evaluation.metric_names import DECIDES, sign
from reglab.evaluation.paired_values import Records, at_first_look, failed_checks, without_nan
from reglab.evaluation.rounding import mean, subtract
from reglab.experiments.tuning.settings import TUNED

EARLY_STOPPING = (NONE[0], "early_stopping")
KEPT = ("verdict", "difference", "low", "high", "p_holm")  # of a verdict of another kind
DECIDED = ("helps", "hurts", "no relevant difference")


def tuned(
    records: Records,
    family: str = TUNED,
    *,
    confidence: float,
    relevant_difference: float | None,
    metric: str = DECIDES,
    looks: Looks | None = None,
) -> dict[str, dict]:
    """By recipe `comparisons`, `metrics` and `diverged_seeds`, as in `compare_metrics`, against `none` tuned; and

    `chosen`: the chosen settings of the training and of the technique;
    `against_early_stopping`: the recipe as configured against early stopping as configured, a row of KEPT, corrected over
    these comparisons; None where there is no early stopping, and for what is tuned again;
    `behind_best`, as in `best.behind_the_best`, and `cost` of a training with the chosen settings, relative to none;
    `budget`: `settings` tried, `trainings`, those that `diverged`, `epochs` and `flops` of the search;
    `optimism`: as in `optimism`; `expected_best` of k settings, and `rank_after` k of them, 1 for the best recipe.

    With `looks`, recipes may have the seeds of different looks, as in `compare_metrics`; what compares several of them at
    once, and the recipes as configured, is over the first seeds, which all have.

    Raises UserError where the budgets differ.
    """
    entries = records.get(family, {})
    if not entries:
        return {}
    check_budgets(family, entries)
    first = at_first_look(records, looks)
    rule = {"confidence": confidence, "relevant_difference": relevant_difference, "metric": metric}
    plan = ComparisonPlan({(family, name): {metric: (family, NONE[1])} for name in entries}, {})
    rows = compare_metrics(records, plan, looks=looks, **rule)[family]
    stopping = against_early_stopping(first, list(entries), rule) if family == TUNED else {}
    sound = values_of_sound(
        {(family, name): record for name, record in first[family].items()}, failed_checks(records), metric
    )
    behind = behind_the_best({name: values for (_, name), values in sound.items()}, metric, confidence)
    ranks = ranks_after({name: record["expected_best"] for name, record in entries.items()}, sign(metric))
    return {
        name: rows[name]
        | {
            "chosen": flat(record["chosen"]["settings"]),
            "against_early_stopping": stopping.get(name),
            "behind_best": behind.get(name),
            "cost": record["cost"]["relative_to_none"],
            "budget": {"settings": len(record["tries"])} | record["budget"],
            "optimism": optimism(record, metric, confidence),
            "expected_best": record["expected_best"],
            "rank_after": ranks[name],
        }
        for name, record in entries.items()
    }


def flat(settings: dict[str, dict]) -> dict:
    """The settings of a search's point without the names of what they belong to."""
    return {setting: value for of in settings.values() for setting, value in of.items()}


def check_budgets(family: str, entries: dict[str, dict]) -> None:
    """UserError where recipes had unequal numbers of trainings, or of epochs although no training diverged."""
    for part in ("trainings", "epochs"):
        spent = {
            name: record["budget"][part]
            for name, record in entries.items()
            if part == "trainings" or not record["budget"]["diverged"]
        }
        if len(set(spent.values())) > 1:
            each = ", ".join(f"{name} {count:,}" for name, count in spent.items())
            allowed = "the same for every recipe; run `dvc repro`, which makes the records of one params.yaml"
            raise UserError(f"runs/{family}: found unequal budgets of {part}: {each}; allowed: {allowed}")


def against_early_stopping(records: Records, names: list[str], rule: dict) -> dict[str, dict]:
    """By name a row of KEPT on the recipe as configured against early stopping as configured."""
    configured = records[EARLY_STOPPING[0]]
    if EARLY_STOPPING[1] not in configured:
        return {}
    metric = rule["metric"]
    plan = ComparisonPlan({(NONE[0], name): {metric: EARLY_STOPPING} for name in names if name in configured}, {})
    rows = compare_metrics(records, plan, **rule).get(NONE[0], {})
    return {name: short(row["comparisons"][metric]) for name, row in rows.items()}


def short(row: dict) -> dict:
    """A row of KEPT, of a row that has the ends of its interval under either name."""
    ends = {end: row.get(f"difference_{end}", row.get(end)) for end in ("low", "high")}
    return {key: (row | ends)[key] for key in KEPT}


def optimism(record: dict, metric: str, confidence: float) -> dict:
    """By how much the validation score of the chosen settings is better than their test score: `by_seed`, and `mean` with
    `low` and `high` over the `search_seeds`, which chose the settings, and the `other_seeds`, which chose the epoch alone.

    None where a seed diverged or there are no other seeds.
    """
    validation, searched = metric.replace("test_", "validation_", 1), {str(seed) for seed in record["search_seeds"]}
    if not all(metric in run["metrics"] and validation in run["metrics"] for run in record["seeds"].values()):
        return {"by_seed": None, "search_seeds": None, "other_seeds": None}
    by_seed = {
        seed: float(sign(metric) * subtract(run["metrics"][validation], run["metrics"][metric]))
        for seed, run in record["seeds"].items()
    }

    def over(seeds: list[str]) -> dict | None:
        values = [by_seed[seed] for seed in seeds]
        low, high = mean_interval(values, confidence)
        return without_nan({"mean": mean(values), "low": low, "high": high}) if values else None

    return {
        "by_seed": by_seed,
        "search_seeds": over([seed for seed in by_seed if seed in searched]),
        "other_seeds": over([seed for seed in by_seed if seed not in searched]),
    }


def ranks_after(curves: Mapping[str, list[float | None]], direction: int) -> dict[str, list[int]]:
    """By recipe its rank, 1 for the best, after 1, 2, ... settings, by the expected best; of equals the first ranks first."""

    def value(name: str, place: int) -> float:
        expected = curves[name][place]
        return -inf if expected is None else direction * expected

    ranks: dict[str, list[int]] = {name: [] for name in curves}
    for place in range(min(map(len, curves.values()))):
        for rank, name in enumerate(sorted(curves, key=lambda name: -value(name, place)), start=1):
            ranks[name].append(rank)
    return ranks


def ranking_changes(ranks: Mapping[str, list[int]]) -> list[int]:
    """The numbers of settings k from which on the ranking differs from that after k - 1."""
    orders = list(zip(*ranks.values(), strict=True))
    return [place + 1 for place in range(1, len(orders)) if orders[place] != orders[place - 1]]


def with_other_verdicts(rows: dict[str, dict]) -> dict[str, dict]:
    """The rows of all families, those of `tuned` with `as_configured`, a row of KEPT on the recipe as params.yaml has it
    against `none`, and `turned`: whether both verdicts are decided and differ."""
    result = {}
    for name, row in rows.get(TUNED, {}).items():
        configured = rows.get(NONE[0], {}).get(name)
        [tested] = row["comparisons"].values()
        verdicts = (tested["verdict"], configured["verdict"] if configured else None)
        turned = all(verdict in DECIDED for verdict in verdicts) and verdicts[0] != verdicts[1]
        result[name] = row | {"as_configured": short(configured) if configured else None, "turned": turned}
    return rows | {TUNED: result}
