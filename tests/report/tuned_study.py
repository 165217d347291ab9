"""The tuned part of a study that never ran: records of the family `tuned`, their rows in metrics.json, their settings."""

from reglab.experiments.tuning.evaluate_tuned import ranks_after
from reglab.report.collect import Entry

TUNING = {"settings": 12, "seeds": 3, "learning_rate": [0.001, 0.02]}
# name: test accuracy, verdict, verdict as configured, verdict against early stopping, cost, outside the best set
RECIPES = {
    "none": (0.930, "reference", "reference", "hurts", 1.0, True),
    "placebo": (0.930, "no relevant difference", "no relevant difference", "hurts", 1.0, True),
    "input_noise": (0.957, "helps", "helps", "helps", 1.0, False),
    "dropout": (0.951, "helps", "helps", "cannot tell", 1.0, False),
    "r_drop": (0.959, "helps", "cannot tell", "helps", 2.0, False),
    "weight_decay": (0.931, "no relevant difference", "helps", "cannot tell", 1.0, True),
    "l1": (0.929, "no relevant difference", "helps", "cannot tell", 1.0, True),
    "mixup": (0.940, "cannot tell", "helps", "cannot tell", 1.0, True),
    "clipping": (None, "diverged", "hurts", "hurts", 1.0, True),
}
FLOPS = {"r_drop": 2 * 10**12, "none": 9 * 10**11}
# input_noise leads with one setting and r_drop from two on; below them the order never changes
EXPECTED = {name: [0.9 - 0.01 * place] * 4 for place, name in enumerate(RECIPES)}
EXPECTED |= {"input_noise": [0.95, 0.951, 0.952, 0.953], "r_drop": [0.94, 0.955, 0.957, 0.958]}
RANKS = ranks_after(EXPECTED, 1)
DECIDED = ("helps", "hurts", "no relevant difference")
BEST = {
    "leader": "r_drop",
    "members": ["r_drop", "input_noise", "dropout"],
    "cheapest": "input_noise",
    "compared": 8,
    "confidence": 0.95,
}


def effect(difference: float | None, verdict: str) -> dict:
    known = difference is not None
    ends = {"low": difference - 0.004, "high": difference + 0.004} if known else {"low": None, "high": None}
    return {"verdict": verdict, "difference": difference, "p_holm": 0.01} | ends


def row(name: str) -> dict:
    """Of metrics.json."""
    accuracy, verdict, configured, stopping, cost, excluded = RECIPES[name]
    difference = None if accuracy is None else round(accuracy - RECIPES["none"][0], 9)
    test = effect(difference, verdict)
    comparison = {"mean": accuracy, "reference": "none", "seeds_needed": 23 if verdict == "cannot tell" else None}
    comparison |= {f"difference_{end}": test.pop(end) for end in ("low", "high")} | test | {"turns_without": {}}
    lead = None if accuracy is None else round(RECIPES["r_drop"][0] - accuracy, 9)
    behind = (
        {"leader": "r_drop", "difference": lead, "low": lead, "high": lead, "p": 0.2, "excluded": excluded}
        if lead is not None
        else None
    )
    return {
        "comparisons": {"test_accuracy": comparison},
        "metrics": {},
        "diverged_seeds": [2, 7] if accuracy is None else [],
        "chosen": {"learning_rate": 0.0034567, "strength": 0.5},
        "as_configured": effect(0.0 if configured == "reference" else 0.04, configured),
        "against_early_stopping": effect(-0.03 if stopping == "hurts" else 0.02, stopping),
        "budget": {"settings": 4, "trainings": 12, "diverged": 0, "epochs": 300, "flops": FLOPS.get(name, 10**12)},
        "optimism": {
            "search_seeds": {"mean": 0.012, "low": 0.01, "high": 0.014},
            "other_seeds": {"mean": 0.002, "low": -0.01, "high": 0.014},
        },
        "expected_best": EXPECTED[name],
        "rank_after": RANKS[name],
        "turned": {verdict, configured} <= set(DECIDED) and verdict != configured,
        "behind_best": behind,
        "cost": cost,
    }


def with_tuned(entries: list[Entry], metrics: dict, settings: dict) -> tuple[list[Entry], dict, dict]:
    """The study with these recipes tuned."""
    sample = next(entry.record for entry in entries if entry.family == "regularizers" and not entry.seeds("diverged"))
    tuned = []
    for name in RECIPES:
        diverged = {str(seed): {"status": "diverged", "metrics": {}} for seed in row(name)["diverged_seeds"]}
        record = sample | {"family": "tuned", "name": name, "technique": [name], "seeds": sample["seeds"] | diverged}
        tuned.append(Entry(record, {}, None))
    rows = {name: row(name) for name in RECIPES}
    sets = metrics.get("best_sets", {}) | {"tuned": BEST}
    return entries + tuned, metrics | {"tuned": rows, "best_sets": sets}, settings | {"tuning": TUNING}
