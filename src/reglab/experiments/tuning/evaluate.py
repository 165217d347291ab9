"""Evaluates the choices of searches on the test part: sweeps against `none`, and the parts of cocktails.

Holm's correction is over the sweeps, and over all parts of all cocktails, because a reader looks for an ingredient that
matters among all of them.
"""

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.comparison import NONE
from reglab.evaluation.judgement import PairedComparison, exclusion, judge
from reglab.evaluation.metric_comparison import ComparisonPlan, compare_metrics
from reglab.evaluation.metric_names import DECIDES, sign
from reglab.evaluation.paired_values import (
    Records,
    differences_of,
    diverged_seeds,
    failed_checks,
    paired_differences,
    seeds_of,
    values_of,
    without_nan,
)
from reglab.evaluation.rounding import mean, subtract
from reglab.experiments.tuning.evaluate_tuned import tuned
from reglab.experiments.tuning.selection import best
from reglab.experiments.tuning.settings import PLAIN, STUDIES, TUNED

NO_TECHNIQUE = ("none", "placebo")


def tables(records: Records, **rule) -> dict[str, dict]:
    """The family's part of reports/metrics.json; the rule is that of `cocktails`, UserError as in `tuned`."""
    return {
        **{family: tuned(records, family, **rule) for family in STUDIES},
        "sweeps": sweeps(records, **rule),
        "cocktails": cocktails(records, **rule),
    }


def comparison_counts(settings) -> dict[str, int]:
    """How many comparisons are corrected together, by their kind; `settings` are the `Params`."""
    ingredients = [len(cocktail.ingredients) for cocktail in settings.cocktails.values()]
    techniques = len(set(settings.tuned or settings.regularizers) - set(NO_TECHNIQUE))
    return {
        "comparisons of tuned recipes": max(len(settings.tuned) - 1, 0),
        "comparisons of recipes tuned on right labels": max(len(settings.tuned_clean.recipes) - 1, 0),
        "comparisons of recipes tuned with another network": max(len(settings.tuned_other_network.recipes) - 1, 0),
        "comparisons with early stopping": len(settings.tuned) if "early_stopping" in settings.regularizers else 0,
        "comparisons of sweeps": len(settings.sweeps),
        "comparisons of cocktails": sum(1 + 2 * number for number in ingredients),  # all, all but one, one alone
        "single techniques beside cocktails": sum(techniques + number for number in ingredients),
        "cocktails beside tuned none": len(ingredients) if settings.tuned else 0,
        "cocktails beside the best tuned technique": len(ingredients) if settings.tuned else 0,
    }


def sweeps(
    records: Records, *, confidence: float, relevant_difference: float | None, metric: str = DECIDES
) -> dict[str, dict]:
    """By technique `comparisons` and `diverged_seeds`, as in `compare_metrics`, of its best point against `none`, and the
    `chosen` settings."""
    plan = ComparisonPlan({("sweeps", name): {metric: NONE} for name in records.get("sweeps", {})}, {})
    rule = {"confidence": confidence, "relevant_difference": relevant_difference, "metric": metric}
    rows = compare_metrics(records, plan, **rule)
    return {
        name: row | {"chosen": records["sweeps"][name]["chosen"]["settings"]}
        for name, row in rows.get("sweeps", {}).items()
    }


def cocktails(
    records: Records, *, confidence: float, relevant_difference: float | None, metric: str = DECIDES
) -> dict[str, dict]:
    """By cocktail: `full`, a row on the best against the same training without its ingredients; `ingredients`: by name of
    those that are in the best, the row `without`, what it adds to the others (the best - the best without it), and the row
    `only`, what it does alone (it alone - none of them); `rivals`: the best less a single technique, one of its ingredients
    alone under its name, or a tuned recipe under `tuned.<name>`, in a study without them an entry of `regularizers` under
    `regularizers.<name>`; `overlap`, by how much the sum of what the ingredients bring alone is above what they bring
    together, as in `overlap`; `left_out`, the names of the ingredients that are not in the best; `diverged_seeds`; `budget`,
    what the search has spent; `tuned_none`, a row on the best less tuned `none`; `best_tuned`, as in `beside_best_tuned`;
    `not_applicable_ingredients`, by name the reason, where there are any.

    A row is as in `judgement.judge`. The rivals are a family of their own, because a reader looks for one that beats the
    best in all of them.
    """
    entries, failed = records.get("cocktails", {}), failed_checks(records)
    family = TUNED if records.get(TUNED) else NONE[0]
    sound = {
        f"{family}.{name}": record
        for name, record in records[family].items()
        if name not in NO_TECHNIQUE and (family, name) not in failed
    }
    parts: dict[tuple[str, str], PairedComparison] = {}
    rivals: dict[tuple[str, str], PairedComparison] = {}
    for name, record in entries.items():
        wrong = ("cocktails", name) in failed
        for family, by_part in (
            (parts, contrasts(record, metric)),
            (rivals, singles(record, sound, metric)),
        ):
            for part, values in by_part.items():
                excluded = "check failed" if wrong else None if len(values) else "diverged"
                family[name, part] = PairedComparison(values, metric, excluded)
    rule = {"confidence": confidence, "relevant_difference": relevant_difference, "metric": metric}
    seeds = seeds_of(records[NONE[0]][NONE[1]])
    rows, against = (without_nan(judge(family, seeds, **rule)) for family in (parts, rivals))
    plain_rival, tuned_rival = beside_tuned(records, NONE[1], **rule), beside_best_tuned(records, **rule)
    return {
        name: {
            "full": rows[name, "full"],
            "ingredients": {
                ingredient: {way: rows[name, f"{way}_{ingredient}"] for way in ("without", "only")}
                for ingredient in record["best"]["settings"]
            },
            "overlap": overlap(name, list(record["best"]["settings"]), parts, confidence),
            "rivals": {single: row for (cocktail, single), row in against.items() if cocktail == name},
            "left_out": record["left_out"],
            "diverged_seeds": diverged_seeds(record),
            "budget": record["budget"],
            "tuned_none": plain_rival.get(name),
            "best_tuned": tuned_rival.get(name),
        }
        | {key: record[key] for key in ("not_applicable_ingredients",) if key in record}
        for name, record in entries.items()
    }


def beside_best_tuned(records: Records, **rule) -> dict[str, dict]:
    """As `beside_tuned`, of the best tuned technique, which validation data choose; nothing without tuned techniques."""
    failed = failed_checks(records)
    tried = {
        name: record["tries"][record["chosen"]["number"]]
        for name, record in records.get(TUNED, {}).items()
        if name not in NO_TECHNIQUE and (TUNED, name) not in failed
    }
    if not tried:
        return {}
    return beside_tuned(records, best(tried, rule["metric"].removeprefix("test_")), **rule)


def beside_tuned(records: Records, name: str, **rule) -> dict[str, dict]:
    """By cocktail a row on the best less a tuned recipe, as in `judgement.judge`, with its `name` and its `budget`; nothing
    without it.

    The cocktails are corrected together.
    """
    metric, failed = rule["metric"], failed_checks(records)
    rival = records.get(TUNED, {}).get(name)
    if rival is None:
        return {}
    comparisons = {
        cocktail: PairedComparison(
            paired_differences(record, rival, metric),
            metric,
            exclusion(record, rival, failed=bool({("cocktails", cocktail), (TUNED, name)} & failed.keys())),
        )
        for cocktail, record in records.get("cocktails", {}).items()
    }
    judged = judge(comparisons, seeds_of(rival), **rule)
    return {cocktail: without_nan(row) | {"name": name, "budget": rival["budget"]} for cocktail, row in judged.items()}


def contrasts(record: dict, metric: str) -> dict[str, np.ndarray]:
    """Paired differences (seeds,) of the metric: `full`, and for each ingredient `without_` and `only_` it."""
    full, ingredients = values_of(record, metric), record["best"]["settings"]
    plain = values_of(record, f"{metric}@{PLAIN}") if ingredients else full
    differences = {"full": differences_of(full, plain)}
    for name in ingredients:
        differences[f"without_{name}"] = differences_of(full, values_of(record, f"{metric}@without_{name}"))
        differences[f"only_{name}"] = differences_of(values_of(record, f"{metric}@only_{name}"), plain)
    return differences


def overlap(
    cocktail: str, ingredients: list[str], parts: dict[tuple[str, str], PairedComparison], confidence: float
) -> dict:
    """`difference`, `low` and `high` of the ingredients' differences in sum less that of all together, paired, and its `sign`
    as far as it is shown (`statistics.shown_sign`), of the gain and corrected for no other comparison.
    """
    full, *alone = (parts[cocktail, part] for part in ("full", *(f"only_{name}" for name in ingredients)))
    known = alone and not any(part.exclusion for part in (full, *alone))
    total = np.sum([part.differences for part in alone], axis=0) if known else None
    values = subtract(total, full.differences) if known else np.empty(0)
    low, high = statistics.difference_interval(values, confidence)
    shown = sign(full.metric) * statistics.shown_sign(values, confidence)
    return without_nan({"difference": mean(values), "low": low, "high": high, "sign": shown})


def singles(record: dict, recipes: dict[str, dict], metric: str) -> dict[str, np.ndarray]:
    """The best less each single technique, paired over seeds: its ingredients alone, if they are several, and the recipes."""
    full, settings = values_of(record, metric), record["best"]["settings"]
    ingredients = settings if len(settings) > 1 else ()
    differences = {name: differences_of(full, values_of(record, f"{metric}@only_{name}")) for name in ingredients}
    if settings:
        differences |= {name: paired_differences(record, recipe, metric) for name, recipe in recipes.items()}
    return differences
