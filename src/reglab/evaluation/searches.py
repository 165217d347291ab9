"""What searches came to on the test part: tuned techniques against `none`, and a cocktail taken apart.

Holm's correction is over the sweeps, and over all that is asked of the cocktails: whoever looks for the ingredient that
matters looks at all of them.
"""

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.by_metric import Question, compare_metrics
from reglab.evaluation.comparison import NONE, Records, diverged, failed_checks, less, paired, values_of, without_nan
from reglab.evaluation.new_data import probability
from reglab.evaluation.rounding import mean

METRIC = "test_accuracy"


def sweeps(records: Records, *, confidence: float, relevant_difference: float) -> dict[str, dict]:
    """By technique `comparisons` and `diverged_seeds`, as in `compare_metrics`, of its best point against `none`, and the
    `chosen` settings; a technique that fails an exact check has the verdict "check failed" and no difference."""
    asked = {("sweeps", name): {METRIC: NONE} for name in records.get("sweeps", {})}
    rows = compare_metrics(
        records, Question(asked, {}), confidence=confidence, relevant_difference=relevant_difference
    ).get("sweeps", {})
    for name in (name for family, name in failed_checks(records) if family == "sweeps"):
        unknown = dict.fromkeys(("difference", "difference_low", "difference_high", "p", "p_holm", "probability"))
        rows[name]["comparisons"][METRIC] |= unknown | {"verdict": "check failed", "seeds_needed": None}
    return {name: row | {"chosen": records["sweeps"][name]["chosen"]["settings"]} for name, row in rows.items()}


def cocktails(records: Records, *, confidence: float, relevant_difference: float) -> dict[str, dict]:
    """By cocktail: `full`, a row on the best against `none`; `ingredients`: by name of those that are in the best, the row
    `without`, what it adds to the others (the best - the best without it), and the row `only`, what it does alone (it
    alone - `none`); `left_out`, the names of those that are not; `diverged_seeds`.

    A row: `difference`, paired over seeds, with `low` and `high`; `p`, `p_holm`; `verdict`, "diverged" where a seed did and
    "check failed" as in `comparison.compare`; `probability`; `seeds_needed`, when the verdict is "cannot tell".
    """
    found, failed = records.get("cocktails", {}), failed_checks(records)
    differences = {
        (name, way): np.empty(0) if ("cocktails", name) in failed else values
        for name, record in found.items()
        for way, values in contrasts(record, records[NONE[0]][NONE[1]]).items()
    }
    p = {key: statistics.sign_flip(values) for key, values in differences.items()}
    adjusted = statistics.holm(np.array(list(p.values())))
    p_holm, comparisons = dict(zip(p, adjusted.tolist(), strict=True)), int(np.isfinite(adjusted).sum())
    rule = {"relevant_difference": relevant_difference, "level": 1 - confidence}

    def row(key: tuple[str, str]) -> dict:
        values = differences[key]
        low, high = statistics.difference_interval(values, confidence)
        if not len(values):
            verdict = "check failed" if ("cocktails", key[0]) in failed else "diverged"
        else:
            verdict = statistics.verdict(low, high, p_holm[key], seeds=len(values), **rule)
        needed = statistics.seeds_needed(values, comparisons=comparisons, **rule) if verdict == "cannot tell" else None
        told = {"difference": mean(values), "low": low, "high": high}
        told |= {"p": p[key], "p_holm": p_holm[key], "verdict": verdict}
        told |= {"probability": probability(values, METRIC, relevant_difference), "seeds_needed": needed}
        return without_nan(told)

    return {
        name: {
            "full": row((name, "full")),
            "ingredients": {
                own: {way: row((name, f"{way}_{own}")) for way in ("without", "only")}
                for own in record["best"]["settings"]
            },
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
