"""What searches came to on the test part: tuned techniques against `none`, and a cocktail taken apart.

Holm's correction is over the sweeps, and over all that is asked of the cocktails: whoever looks for the ingredient that
matters looks at all of them.
"""

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.by_metric import Question, compare_metrics
from reglab.evaluation.comparison import (
    NONE,
    Records,
    diverged,
    failed_checks,
    less,
    paired,
    seeds_of,
    values_of,
    without_nan,
)
from reglab.evaluation.family import judge_family
from reglab.evaluation.rounding import mean, subtract

METRIC = "test_accuracy"
NO_TECHNIQUE = ("none", "placebo")


def sweeps(records: Records, *, confidence: float, relevant_difference: float) -> dict[str, dict]:
    """By technique `comparisons` and `diverged_seeds`, as in `compare_metrics`, of its best point against `none`, and the
    `chosen` settings; a technique that fails an exact check has the verdict "check failed" and no difference."""
    asked = {("sweeps", name): {METRIC: NONE} for name in records.get("sweeps", {})}
    rows = compare_metrics(
        records, Question(asked, {}), confidence=confidence, relevant_difference=relevant_difference
    ).get("sweeps", {})
    for name in (name for family, name in failed_checks(records) if family == "sweeps"):
        lost = ("difference", "difference_low", "difference_high", "p", "p_holm", "probability", "p_to_level")
        unknown = dict.fromkeys(lost) | {"verdict": "check failed", "seeds_needed": None, "turns_without": {}}
        rows[name]["comparisons"][METRIC] |= unknown
    return {name: row | {"chosen": records["sweeps"][name]["chosen"]["settings"]} for name, row in rows.items()}


def cocktails(records: Records, *, confidence: float, relevant_difference: float) -> dict[str, dict]:
    """By cocktail: `full`, a row on the best against `none`; `ingredients`: by name of those that are in the best, the row
    `without`, what it adds to the others (the best - the best without it), and the row `only`, what it does alone (it
    alone - `none`); `rivals`: the best less a single technique, one of its ingredients alone under its name, or an entry of
    `regularizers` under `regularizers.<name>`; `overlap`, by how much the sum of what the ingredients bring alone is above
    what they bring together, as in `overlap`; `left_out`, the names of the ingredients that are not in
    the best; `diverged_seeds`.

    A row is as in `judge_family`; its verdict is "diverged" where a seed did and "check failed" as in
    `comparison.compare`. The rivals are a family of their own: whoever looks for one that beats the best looks at all.
    """
    found, failed = records.get("cocktails", {}), failed_checks(records)
    recipes = records[NONE[0]]
    seeds = seeds_of(recipes[NONE[1]])
    parts, rivals = {}, {}
    for name, record in found.items():
        if ("cocktails", name) in failed:
            record = record | {"seeds": {seed: {"status": "failed", "metrics": {}} for seed in record["seeds"]}}
        parts |= {(name, way): values for way, values in contrasts(record, recipes[NONE[1]]).items()}
        sound = {own: other for own, other in recipes.items() if (NONE[0], own) not in failed}
        rivals |= {(name, single): values for single, values in singles(record, sound).items()}
    given = {"confidence": confidence, "relevant_difference": relevant_difference}
    judged = [judge_family(family, dict.fromkeys(family, METRIC), seeds, **given) for family in (parts, rivals)]

    def row(own: dict, name: str, values: np.ndarray) -> dict:
        lost = "check failed" if ("cocktails", name) in failed else "diverged"
        return without_nan(own if len(values) else own | {"verdict": lost, "seeds_needed": None})

    rows, against = (
        {key: row(own, key[0], family[key]) for key, own in told.items()}
        for told, family in zip(judged, (parts, rivals), strict=True)
    )
    return {
        name: {
            "full": rows[name, "full"],
            "ingredients": {
                own: {way: rows[name, f"{way}_{own}"] for way in ("without", "only")}
                for own in record["best"]["settings"]
            },
            "overlap": overlap(name, record, parts, confidence),
            "rivals": {single: own for (of, single), own in against.items() if of == name},
            "left_out": record["left_out"],
            "diverged_seeds": diverged(record),
        }
        for name, record in found.items()
    }


def contrasts(record: dict, none: dict) -> dict[str, np.ndarray]:
    """Paired differences (seeds,) of test accuracy: `full`, and for each ingredient `without_` and `only_` it."""
    full, plain = values_of(record, METRIC), values_of(none, METRIC)
    told = {"full": paired(record, none, METRIC)}
    for own in record["best"]["settings"]:
        told[f"without_{own}"] = less(full, values_of(record, f"{METRIC}@without_{own}"))
        told[f"only_{own}"] = less(values_of(record, f"{METRIC}@only_{own}"), plain)
    return told


def overlap(name: str, record: dict, parts: dict, confidence: float) -> dict:
    """`difference`, `low` and `high` of the ingredients' gains in sum less the gain of all together, paired, and its `sign`
    as far as it is shown (`statistics.shown_sign`), corrected for no other comparison.
    """
    full, alone = parts[name, "full"], [parts[name, f"only_{own}"] for own in record["best"]["settings"]]
    known = len(full) and all(len(own) == len(full) for own in alone)
    values = subtract(np.sum(alone, axis=0), full) if known and alone else np.empty(0)
    low, high = statistics.difference_interval(values, confidence)
    sign = statistics.shown_sign(values, confidence)
    return without_nan({"difference": mean(values), "low": low, "high": high, "sign": sign})


def singles(record: dict, recipes: dict[str, dict]) -> dict[str, np.ndarray]:
    """The best less each single technique, paired over seeds: its ingredients alone, if they are several, and the recipes.

    The reference and the placebo are no techniques.
    """
    full, settings = values_of(record, METRIC), record["best"]["settings"]
    alone = settings if len(settings) > 1 else ()
    found = {own: less(full, values_of(record, f"{METRIC}@only_{own}")) for own in alone}
    entries = {own: other for own, other in recipes.items() if own not in NO_TECHNIQUE} if settings else {}
    return found | {f"{NONE[0]}.{own}": paired(record, other, METRIC) for own, other in entries.items()}
