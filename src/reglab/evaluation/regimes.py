"""Where each recipe helps: its difference to `none` in every cell of training size x label noise x width.

A cell is a setting of its own, with a `none` of its own on the same splits and seeds. Holm's correction is over the whole
map, all recipes and cells together: whoever looks for the place where something helps looks at all of them.
"""

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.comparison import Records, diverged, estimates, failed_checks, paired, without_nan

FAMILY = "regimes"


def rows(records: Records, *, confidence: float, relevant_difference: float) -> dict[str, dict[str, dict]]:
    """recipe -> {"cells": {key: row}}, `none` apart; what cannot be known is None; nothing where there is no map.

    A row: `train_size`, `label_noise`, `width`; `mean`, `low`, `high` of the test accuracy; `difference` to `none` in the
    same cell, paired over seeds, with `difference_low` and `difference_high`; `p`, `p_holm`; `verdict`, which is
    "diverged" in every cell when a seed was lost in one, and "check failed" as in `comparison.compare`; `seeds_needed`,
    when the verdict is "cannot tell".
    """
    recipes, failed = records.get(FAMILY, {}), failed_checks(records)
    if not recipes:
        return {}
    none = recipes["none"]
    places = [(name, key) for name in recipes if name != "none" for key in none["cells"]]
    differences = {
        (name, key): np.empty(0) if (FAMILY, name) in failed else paired(recipes[name], none, metric_of(key))
        for name, key in places
    }
    p = [statistics.sign_flip(differences[place]) for place in places]
    adjusted = statistics.holm(np.array(p))
    comparisons = int(np.isfinite(adjusted).sum())
    rule = {"relevant_difference": relevant_difference, "level": 1 - confidence}
    found: dict[str, dict[str, dict]] = {name: {"cells": {}} for name in recipes if name != "none"}
    for place, own_p, p_holm in zip(places, p, adjusted.tolist(), strict=True):
        name, key = place
        row = none["cells"][key] | estimates(recipes[name], none, metric_of(key), confidence)
        low, high = row["difference_low"], row["difference_high"]
        if diverged(recipes[name]) or (FAMILY, name) in failed:
            verdict = "diverged" if diverged(recipes[name]) else "check failed"
        else:
            verdict = statistics.verdict(low, high, p_holm, seeds=len(differences[place]), **rule)
        row |= {"p": own_p, "p_holm": p_holm, "verdict": verdict, "seeds_needed": None}
        if verdict == "cannot tell":
            row["seeds_needed"] = statistics.seeds_needed(differences[place], comparisons=comparisons, **rule)
        found[name]["cells"][key] = without_nan(row)
    return found


def metric_of(key: str) -> str:
    return f"test_accuracy@{key}"
