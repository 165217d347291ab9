"""Where each recipe helps: its difference to `none` in every cell of training size x label noise x width.

A cell is a setting of its own, with a `none` of its own on the same splits and seeds. Holm's correction is over the whole
map, all recipes and cells together: whoever looks for the place where something helps looks at all of them.
"""

import numpy as np

from reglab.evaluation.comparison import Records, diverged, estimates, failed_checks, paired, seeds_of, without_nan
from reglab.evaluation.family import OF_TEST, judge_family

FAMILY = "regimes"


def rows(records: Records, *, confidence: float, relevant_difference: float) -> dict[str, dict[str, dict]]:
    """recipe -> {"cells": {key: row}}, `none` apart; what cannot be known is None; nothing where there is no map.

    A row: `train_size`, `label_noise`, `width`; `mean`, `low`, `high` of the test accuracy; `difference` to `none` in the
    same cell, paired over seeds, with `difference_low` and `difference_high`; `p`, `p_holm`, `verdict`, `probability`,
    `seeds_needed`, `p_to_level` and `turns_without`, as in `judge_family`. The verdict is "diverged" in every cell when a
    seed was lost in one, and "check failed" as in `comparison.compare`.
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
    metrics = {place: metric_of(place[1]) for place in places}
    given = {"confidence": confidence, "relevant_difference": relevant_difference}
    judged = judge_family(differences, metrics, seeds_of(none), **given)
    found: dict[str, dict[str, dict]] = {name: {"cells": {}} for name in recipes if name != "none"}
    for name, key in places:
        row = none["cells"][key] | estimates(recipes[name], none, metric_of(key), confidence)
        row |= {of: judged[name, key][of] for of in OF_TEST}
        if diverged(recipes[name]) or (FAMILY, name) in failed:
            row |= {"verdict": "diverged" if diverged(recipes[name]) else "check failed", "seeds_needed": None}
        found[name]["cells"][key] = without_nan(row)
    return found


def metric_of(key: str) -> str:
    return f"test_accuracy@{key}"
