"""The ledger: what was claimed before the run, judged by what the records hold.

A claim is judged on this data set, paired over what its metric has a number for:

    seeds         what every seed measured: the exact sign flip and the bootstrap
    all seeds     bias² and variance, which belong to all of them: the jackknife, leaving out the same seed of both
    examples      robust accuracy, for few seeds are attacked: Student's t over test examples, these networks given

Holm's correction is over the whole ledger.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.bias_variance import resampled_brier_split
from reglab.evaluation.comparison import (
    COMPARED,
    Records,
    compared_values,
    diverged,
    failed_checks,
    seeds_of,
    without_nan,
)
from reglab.evaluation.leave_one_out import turns
from reglab.evaluation.pairs import by_name
from reglab.evaluation.rounding import mean, subtract
from reglab.measures import over, relevance
from reglab.sections import Claim

Predicted = Callable[[str, str], dict[str, np.ndarray]]  # family, name -> the record's predictions.safetensors
EQUAL_COST = 1.05  # costs within this factor are equal


class Effect(NamedTuple):
    """What is found of a claim: `p` is that of the difference being `bound(claim)`; `units`, how many it is paired over.

    `differences`, by seed, where it is paired over seeds.
    """

    value: float
    versus_value: float
    difference: float
    low: float
    high: float
    p: float
    units: int
    evidence: str
    differences: np.ndarray | None = None


class NotKnown(Exception):
    """The records cannot say, and why."""


def judge(
    claims: dict[str, Claim], records: Records, predicted: Predicted, *, confidence: float, relevant_difference: float
) -> dict[str, dict]:
    """By id of the claim, its fields (`margin` filled in) and `value`, `versus_value`, `difference` with `low` and `high`,
    `p`, `p_holm`, `over`, `evidence`, how near the verdict is to turning (`p_to_level`, and of what is paired over seeds
    `turns_without`, as in `leave_one_out.turns`), and the `verdict`, in this order:

    1. a seed of either diverged, or a technique fails an exact check      -> diverged, check failed
    2. fewer seeds than the exact test needs for a single comparison       -> cannot tell
    3. the same: the interval lies within ± margin                         -> supported
    4. more or less, without a margin, of a metric in units of accuracy:
       the interval lies within ± relevant_difference                      -> no relevant difference
    5. p_holm <= level and the interval lies beyond what is claimed        -> supported, contradicted
    6. anything else                                                       -> cannot tell

    What is claimed: a difference beyond 0, or beyond the margin. Rule 4 is that of all other verdicts: a difference that
    does not matter supports nothing and contradicts nothing. A margin says itself what matters, and the relevant difference
    of an accuracy says nothing of a metric in other units (`measures.relevance`), such as a norm: its margin decides, or,
    without one, any difference that is real. Of a gap, the sizes are compared.
    """
    named, failed = by_name(records), {name: checks for (_, name), checks in failed_checks(records).items()}
    effects, refusals = {}, {}
    for key, claim in claims.items():
        sides = [claim.recipe, claim.versus] if isinstance(claim.versus, str) else [claim.recipe]
        lost = {name: seeds for name in sides if (seeds := diverged(named[name]))}
        if lost:
            told = "; ".join(f"{name} diverged in seed {', '.join(map(str, seeds))}" for name, seeds in lost.items())
            refusals[key] = ("diverged", told)
        elif checks := [f"{name}: {check}" for name in sides for check in failed.get(name, [])]:
            refusals[key] = ("check failed", "; ".join(checks))
        else:
            try:
                effects[key] = METHODS[over(claim.metric)](claim, named, records, predicted, confidence)
            except NotKnown as fault:
                refusals[key] = ("cannot tell", str(fault))
    adjusted = statistics.holm(np.array([effect.p for effect in effects.values()])).tolist()
    p_holm = dict(zip(effects, adjusted, strict=True))
    level, margins = 1 - confidence, {key: margin_of(claim, relevant_difference) for key, claim in claims.items()}
    verdicts = {
        key: verdict_of(claims[key], found, p_holm[key], margins[key], relevant_difference, level)
        for key, found in effects.items()
    }

    def without(key: str, values: np.ndarray, own_p: float, level: float) -> str:
        found = effect_of(claims[key], values, own_p, confidence)
        return verdict_of(claims[key], found, own_p, margins[key], relevant_difference, level)

    over_the_seeds = {key: own.differences for key, own in effects.items() if own.differences is not None}
    turned = turns(
        over_the_seeds,
        verdicts,
        without,
        seeds_of(next(iter(named.values()))) if named else [],
        level=level,
        null={key: bound(claims[key]) for key in over_the_seeds},
        other_p=[own.p for own in effects.values() if own.differences is None],
    )
    ledger = {}
    for key, claim in claims.items():
        margin = margins[key]
        ledger[key] = {
            **{name: getattr(claim, name) for name in ("says", "lecture", "metric", "recipe", "versus")},
            **{"versus_metric": claim.versus_metric, "direction": claim.direction, "margin": margin},
            **dict.fromkeys(("value", "versus_value", "difference", "low", "high", "p", "p_holm", "p_to_level")),
            "over": over(claim.metric),
            "turns_without": turned.get(key, {}),
        }
        if key in effects:
            found = {
                name: value for name, value in effects[key]._asdict().items() if name not in ("units", "differences")
            }
            found["evidence"] += costs(claim, named)
            near = {"p_holm": p_holm[key], "p_to_level": p_holm[key] - level}
            ledger[key] |= found | near | {"verdict": verdicts[key]}
        else:
            verdict, evidence = refusals[key]
            ledger[key] |= {"verdict": verdict, "evidence": evidence}
    return without_nan(ledger)


def bound(claim: Claim) -> float:
    """The difference that a claim of more or less goes beyond."""
    return {"higher": 1, "lower": -1, "same": 0}[claim.direction] * (claim.margin or 0.0)


def margin_of(claim: Claim, relevant_difference: float) -> float | None:
    """Its own; of a claim that two are the same, without one, what does not matter in its metric."""
    same = claim.direction == "same" and claim.margin is None
    return relevance(claim.metric, relevant_difference) if same else claim.margin


def verdict_of(
    claim: Claim, effect: Effect, p_holm: float, margin: float | None, relevant_difference: float, level: float
) -> str:
    """Rules 2 to 6 of `judge`."""
    low, high = effect.low, effect.high
    if effect.units < statistics.smallest_seeds(1, level):
        return "cannot tell"
    if claim.direction == "same":
        if -margin <= low and high <= margin:
            return "supported"
        outside = low > margin or high < -margin
        return "contradicted" if outside and p_holm <= level else "cannot tell"
    relevant = relevance(claim.metric, relevant_difference)
    if margin is None and relevant and -relevant <= low and high <= relevant:
        return "no relevant difference"
    above, below = low > bound(claim), high < bound(claim)
    if p_holm > level or not (above or below):
        return "cannot tell"
    return "supported" if above == (claim.direction == "higher") else "contradicted"


def over_seeds(claim: Claim, named: dict, records: Records, predicted: Predicted, confidence: float) -> Effect:
    """By what every seed measured."""

    def values(name: str, metric: str) -> np.ndarray:
        found = compared_values(named[name], metric)
        if not len(found):
            raise NotKnown(f"the record of {name} has no {metric}")
        return found

    one = values(claim.recipe, claim.metric)
    two = claim.versus
    if isinstance(two, str):
        two = values(two, claim.versus_metric or claim.metric)
        if len(one) != len(two):
            raise NotKnown(f"{len(one)} seeds of {claim.recipe}, {len(two)} of {claim.versus}")
    differences = subtract(one, two)
    value, versus_value = mean(one), mean(np.atleast_1d(two))
    evidence = f"{against(value, versus_value)}; {counted(differences)} of {len(one)} seeds"
    p = statistics.sign_flip(subtract(differences, bound(claim)))
    found = effect_of(claim, differences, p, confidence)
    return found._replace(value=value, versus_value=versus_value, evidence=evidence)


def effect_of(claim: Claim, differences: np.ndarray, p: float, confidence: float) -> Effect:
    """What the paired differences (seeds,) say, without the values themselves."""
    low, high = statistics.difference_interval(differences, confidence)
    return Effect(np.nan, np.nan, mean(differences), low, high, p, len(differences), "", differences)


def over_all_seeds(claim: Claim, named: dict, records: Records, predicted: Predicted, confidence: float) -> Effect:
    """By bias² or variance of all seeds' predictions.

    Leaving out a seed, of both recipes the same one, gives the jackknife's error of the difference, and Student's t with
    n - 1 degrees of freedom the interval and the test. Resampling seeds with replacement would not do: a seed drawn twice
    agrees with itself, and the variance would come out too small.
    Arvesen, "Jackknifing U-statistics", 1969; Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, eq. 11.5.
    """

    def spread(name: str, metric: str) -> np.ndarray:
        """With all seeds, and without each."""
        part, _, ending = metric.partition("@")
        told, ending = predicted(named[name]["family"], name), ending and f"@{ending}"
        parts = [told.get(f"test_{of}{ending}") for of in ("probabilities", "labels", "indices")]
        if any(each is None for each in parts):
            raise NotKnown(f"the record of {name} has no {metric}")
        kept = [np.arange(len(parts[0])), *(np.delete(np.arange(len(parts[0])), seed) for seed in range(len(parts[0])))]
        found = [resampled_brier_split(*(each[seeds] for each in parts), unbiased=True) for seeds in kept]
        return np.array([getattr(split, part) for split in found])

    one = spread(claim.recipe, claim.metric)
    two = claim.versus
    if isinstance(two, str):
        two = spread(two, claim.versus_metric or claim.metric)
    differences = one - two
    seeds = len(differences) - 1
    error = jackknife_error(differences[1:])
    low, high = statistics.student_interval(differences[0], error, confidence, seeds)
    p = statistics.student_test(differences[0] - bound(claim), error, seeds)
    first = (float(one[0]), float(np.broadcast_to(two, one.shape)[0]))
    told = f"{against(*first)}; {seeds} seeds, each left out in turn"
    return Effect(*first, float(differences[0]), low, high, p, seeds, told)


def jackknife_error(left_out: np.ndarray) -> float:
    """sqrt((n - 1)/n sum_i (t_i - mean)²) of an estimate from its values t_i without each of n seeds."""
    n = len(left_out)
    return float(np.sqrt((n - 1) / n * np.square(left_out - left_out.mean()).sum())) if n > 1 else np.nan


def over_examples(claim: Claim, named: dict, records: Records, predicted: Predicted, confidence: float) -> Effect:
    """By which test examples stand up to every attack within an epsilon; an example of several seeds counts as one.

    Nothing where the honesty card of either says that its robust accuracy cannot be believed.
    """

    def standing(name: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """(seeds, examples): whether each stands, and which example it is."""
        family = named[name]["family"]
        attacked = records.get("attacks", {}).get(family, {}).get("models", {}).get(name)
        if attacked is None:
            raise NotKnown(f"no record of an attack on {name}")
        if attacked["unreliable"]:
            raise NotKnown(f"robust accuracy of {name} cannot be believed: {'; '.join(attacked['unreliable'])}")
        smallest = predicted("attacks", family)[f"smallest_epsilon/{name}"]
        told = predicted(family, name)
        rows = next(values for key, values in told.items() if key.startswith("test_indices"))
        return smallest > float(metric.partition("@")[2]), rows[: len(smallest)]

    one, rows = standing(claim.recipe, claim.metric)
    two = np.full(one.shape, float(claim.versus)) if not isinstance(claim.versus, str) else None
    if two is None:
        two, theirs = standing(claim.versus, claim.versus_metric or claim.metric)
        seeds = min(len(one), len(two))
        one, two, rows = one[:seeds], two[:seeds], rows[:seeds]
        if not np.array_equal(rows, theirs[:seeds]):
            raise NotKnown(f"{claim.recipe} and {claim.versus} were attacked on different examples")
    _, place = np.unique(rows, return_inverse=True)
    first, second = (np.bincount(place.ravel(), each.ravel()) / np.bincount(place.ravel()) for each in (one, two))
    differences = subtract(first, second)
    error, middle, count = statistics.standard_error(differences), mean(differences), len(differences)
    low, high = statistics.student_interval(middle, error, confidence, count)
    p = statistics.student_test(float(subtract(middle, bound(claim))), error, count)
    seeds = f"{len(one)} seed{'s' if len(one) > 1 else ''}"
    told = f"{against(first.mean(), second.mean())}; {count} test examples, networks of {seeds}"
    return Effect(mean(first), mean(second), middle, low, high, p, count, told)


def costs(claim: Claim, named: dict) -> str:
    """For the evidence: how many times as much the training of the recipe costs, where the two are no equals in that.

    Nothing where it is not counted, or relative to different references.
    """
    if not isinstance(claim.versus, str) or claim.recipe == claim.versus:
        return ""
    records = [named[name] for name in (claim.recipe, claim.versus)]
    own, other = (record.get("cost", {}).get("relative_to_none") for record in records)
    same_reference = len({record["family"] in COMPARED for record in records}) == 1
    if not (own and other and same_reference) or 1 / EQUAL_COST <= own / other <= EQUAL_COST:
        return ""
    return f"; its training costs {own / other:.2g} times that of {claim.versus}"


METHODS = {"seeds": over_seeds, "all seeds": over_all_seeds, "examples": over_examples}


def against(value: float, versus_value: float) -> str:
    return f"{value:.4g} against {versus_value:.4g}"


def counted(differences: np.ndarray) -> str:
    """In how many the recipe has more, or less where that is the more frequent."""
    more, less = int((differences > 0).sum()), int((differences < 0).sum())
    return f"higher in {more}" if more >= less else f"lower in {less}"
