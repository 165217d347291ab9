"""Compares the recipes of the suite over its data sets: the content of reports/suite.json."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.hierarchical import FEWEST_SETS, GeneralEffect, hierarchical
from reglab.evaluation.rank_tests import friedman, signed_rank
from reglab.evaluation.rounding import mean
from reglab.experiments.suite.on_data_set import cell, described, kind
from reglab.experiments.suite.run import DESCRIPTION
from reglab.experiments.suite.settings import Suite
from reglab.experiments.suite.suite_claim import SuiteClaim
from reglab.experiments.suite.tries import kind_of
from reglab.tracking import record

Records = dict[str, dict[str, dict]]  # data set -> recipe -> record


def read(runs: Path, suite: Suite) -> tuple[dict[str, dict], Records]:
    """The descriptions and the records of all data sets; one that failed has no records."""
    sets = {name: json.loads((runs / name / DESCRIPTION).read_text(encoding="utf-8")) for name in suite.sets}
    records = {
        name: {} if "failed" in about else {recipe: record.read(runs / name / recipe) for recipe in suite.names}
        for name, about in sets.items()
    }
    return sets, records


def evaluate(
    suite: Suite,
    claims: Mapping[str, SuiteClaim],
    sets: dict[str, dict],
    records: Records,
    own: Sequence[str] = (),
    confidence: float = 0.95,
) -> dict:
    """Everything that the page says; `own`: the data sets that are the user's."""
    rows = {name: described(about, records[name]) for name, about in sets.items()}
    rule = (suite.relevant, confidence)
    matrix = {
        recipe: {name: cell(records[name], recipe, "none", sets[name], *rule) for name in sets}
        for recipe in suite.names
    }
    general = {recipe: over_sets(matrix[recipe], *rule) for recipe in suite.names if recipe != "none"}
    return {
        "sets": rows,
        "recipes": {recipe: {"kind": kind_of(suite, recipe)} for recipe in in_order(suite, general)},
        "matrix": matrix,
        "general": with_holm(general),
        "friedman": ranked(matrix, 1 - confidence),
        "claims": {key: judge(claim, sets, records, *rule) for key, claim in claims.items()},
        "own": {
            name: compared(name, rows, matrix, general) for name in own if name in rows and not rows[name]["failed"]
        },
        "fewest_sets": FEWEST_SETS,
        "relevant": suite.relevant,
        "confidence": confidence,
    }


def known(cells: Mapping[str, dict]) -> dict[str, dict]:
    """The data sets on which there is an effect."""
    return {name: each for name, each in cells.items() if "effect" in each}


def over_sets(cells: Mapping[str, dict], relevant: float, confidence: float) -> dict:
    """What a recipe does over data sets: how often it helps and hurts, and from FEWEST_SETS data sets on, in general."""
    there = known(cells)
    counts = {name: sum(each["verdict"] == name for each in there.values()) for name in ("helps", "hurts")}
    row = {
        "sets": len(there),
        **counts,
        "average": mean([each["effect"] for each in there.values()]) if there else None,
    }
    if len(there) < FEWEST_SETS:
        return row | {"verdict": None}
    together = general_effect(list(there.values()), relevant, confidence)
    effects = np.array([each["effect"] for each in there.values()])
    per_set = {
        name: one._asdict() | {"alone": {"low": low, "high": high}}
        for name, one, (low, high) in zip(there, together.per_set, together.alone, strict=True)
    }
    return row | {
        "verdict": together.verdict,
        "probability_helps": together.probability_helps,
        "probability_equivalent": together.probability_equivalent,
        "probability_hurts": together.probability_hurts,
        "mean": together.mean,
        "low": together.low,
        "high": together.high,
        "scale": together.scale,
        "per_set": per_set,
        "signed_rank_p": signed_rank(effects),
    }


def general_effect(cells: Sequence[dict], relevant: float, confidence: float) -> GeneralEffect:
    effects, spread, freedom = (np.array([each[key] for each in cells]) for key in ("effect", "error", "freedom"))
    return hierarchical(effects, spread, relevant, degrees_of_freedom=freedom, confidence=confidence)


def with_holm(general: dict[str, dict]) -> dict[str, dict]:
    """With the p-values of the signed ranks corrected for all recipes."""
    tested = [recipe for recipe, row in general.items() if "signed_rank_p" in row]
    corrected = statistics.holm(np.array([general[recipe]["signed_rank_p"] for recipe in tested])) if tested else []
    more = {recipe: {"signed_rank_p_holm": float(p)} for recipe, p in zip(tested, corrected, strict=True)}
    return {recipe: row | more.get(recipe, {}) for recipe, row in general.items()}


def in_order(suite: Suite, general: dict[str, dict]) -> list[str]:
    """`none` first, then what is likeliest to help on the next data set less likeliest to hurt; behind, by their mean effect,
    the recipes of which too few data sets have an effect."""

    def rank(recipe: str) -> tuple:
        row = general.get(recipe, {})
        average = -np.inf if row.get("average") is None else row["average"]
        lead = row["probability_helps"] - row["probability_hurts"] if row.get("verdict") else -np.inf
        return recipe != "none", -lead, -average

    return sorted(suite.names, key=rank)


def ranked(matrix: dict[str, dict], level: float) -> dict | None:
    """Friedman's test over the recipes that have an effect on every data set that has one for any; None of too few."""
    sets = [name for name in next(iter(matrix.values())) if any("effect" in cells[name] for cells in matrix.values())]
    recipes = [recipe for recipe, cells in matrix.items() if all("effect" in cells[name] for name in sets)]
    if len(sets) < FEWEST_SETS or len(recipes) < 3:
        return None
    scores = np.array([[matrix[recipe][name]["effect"] for recipe in recipes] for name in sets])
    test = friedman(scores, level)
    ranks = dict(sorted(zip(recipes, test.mean_ranks, strict=True), key=lambda pair: pair[1]))
    return {"sets": len(sets), "mean_ranks": ranks, "p": test.p, "critical_difference": test.critical_difference}


def judge(claim: SuiteClaim, sets: dict[str, dict], records: Records, relevant: float, confidence: float) -> dict:
    """A claim with its verdict: supported, contradicted, no relevant difference or cannot tell, and the numbers behind it."""
    chosen = [
        name
        for name, about in sets.items()
        if "failed" not in about and (not claim.sets or name in claim.sets) and claim.kind in ("all", kind(about))
    ]
    given = (relevant, confidence, claim.metric or "")
    cells = {name: cell(records[name], claim.recipe, claim.versus, sets[name], *given) for name in chosen}
    there, row = known(cells), dict(vars(claim)) | {"cells": cells, "effect": None, "low": None, "high": None}
    if len(there) >= FEWEST_SETS:
        together = general_effect(list(there.values()), relevant, confidence)
        numbers = {key: getattr(together, f"probability_{key}") for key in ("helps", "equivalent", "hurts")}
        row |= {"effect": together.mean, "low": together.low, "high": together.high, "probabilities": numbers}
        outcome = together.verdict
    elif len(there) == 1:
        [only] = there.values()
        row |= {key: only[key] for key in ("effect", "low", "high")}
        outcome = only["verdict"]
    else:
        outcome = "cannot tell"
    first = outcome.split()[0]
    claimed = {True: "supported", False: "contradicted"}
    return row | {
        "sets": list(there),
        "verdict": claimed[first == claim.direction] if first in ("helps", "hurts") else outcome,
    }


def compared(name: str, rows: dict[str, dict], matrix: dict[str, dict], general: dict[str, dict]) -> dict:
    """How a data set compares with the others: its place by size, inputs and gap; whether what helps there helps here."""
    from scipy.stats import spearmanr

    others = {other: row for other, row in rows.items() if other != name and not row["failed"]}
    places = {}
    for key in ("train_size", "inputs", "gap"):
        there = [row[key] for row in others.values() if row[key] is not None]
        if rows[name][key] is not None and there:
            places[key] = {
                "value": rows[name][key],
                "below": sum(each < rows[name][key] for each in there),
                "of": len(there),
            }
    here, elsewhere, outside = [], [], []
    for recipe, cells in matrix.items():
        rest = [cells[other]["effect"] for other in others if "effect" in cells[other]]
        if recipe == "none" or "effect" not in cells[name] or not rest:
            continue
        here.append(cells[name]["effect"])
        elsewhere.append(mean(rest))
        if cells[name]["low"] > max(rest) or cells[name]["high"] < min(rest):
            outside.append(recipe)
    differ = len(here) > 2 and len(set(here)) > 1 and len(set(elsewhere)) > 1  # else all have the same rank
    agreement = float(spearmanr(here, elsewhere).statistic) if differ else None
    return {"places": places, "agreement": agreement, "recipes": len(here), "outside": outside}
