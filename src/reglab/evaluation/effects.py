"""The effect that a claim is about, with its interval and test, by what its metric has a number for."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.bias_variance import resampled_split
from reglab.evaluation.comparison import COMPARED
from reglab.evaluation.metric_names import ROBUST, base_name
from reglab.evaluation.paired_values import Records, compared_values
from reglab.evaluation.rounding import mean, subtract
from reglab.evaluation.settings import Claim

Predicted = Callable[[str, str], dict[str, np.ndarray]]  # family, name -> the record's predictions.safetensors
EQUAL_COST = 1.05  # costs within this factor are equal


class Effect(NamedTuple):
    """The difference that a claim is about. `units`: over how many it is paired.

    Where it is paired over seeds, `differences` by seed, to be tested by the sign flip; else `p`, of the difference being
    `bound`.
    """

    value: float
    versus_value: float
    difference: float
    low: float
    high: float
    units: int
    evidence: str
    p: float | None = None
    differences: np.ndarray | None = None


class NotKnown(Exception):
    """The records do not hold what a claim needs; the message says why."""


def bound(claim: Claim, difference: float) -> float:
    """The difference that is tested.

    A claim of more or less goes beyond its margin. A claim of the same is wrong only of what lies beyond its margin: it is
    tested at the end of the margin that the measured `difference` is beyond, else at that difference itself.
    """
    margin = claim.margin or 0.0
    if claim.direction == "same":
        return min(max(difference, -margin), margin)
    return margin if claim.direction == "higher" else -margin


def over_seeds(claim: Claim, named: dict, records: Records, predicted: Predicted, confidence: float) -> Effect:
    """The effect on a metric that every seed has."""

    def values(name: str, metric: str) -> np.ndarray:
        measured = compared_values(named[name], metric)
        if not len(measured):
            raise NotKnown(f"the record of {name} has no {metric}")
        return measured

    one = values(claim.recipe, claim.metric)
    two = claim.versus
    if isinstance(two, str):
        two = values(two, claim.versus_metric or claim.metric)
        if len(one) != len(two):
            raise NotKnown(f"{len(one)} seeds of {claim.recipe}, {len(two)} of {claim.versus}")
    differences = subtract(one, two)
    value, versus_value = mean(one), mean(np.atleast_1d(two))
    evidence = f"{against(value, versus_value)}; {counted(differences)} of {len(one)} seeds"
    effect = effect_of(claim, differences, confidence)
    return effect._replace(value=value, versus_value=versus_value, evidence=evidence)


def effect_of(claim: Claim, differences: np.ndarray, confidence: float) -> Effect:
    """The effect in paired differences (seeds,), without the values themselves."""
    low, high = statistics.difference_interval(differences, confidence)
    return Effect(np.nan, np.nan, mean(differences), low, high, len(differences), "", differences=differences)


def over_all_seeds(claim: Claim, named: dict, records: Records, predicted: Predicted, confidence: float) -> Effect:
    """The effect on bias² or variance of all seeds' predictions.

    Leaving out a seed, of both recipes the same one, gives the jackknife's error of the difference, and Student's t with
    n - 1 degrees of freedom the interval and the test. Resampling seeds with replacement would not do: a seed drawn twice
    agrees with itself, and the variance would come out too small.
    Arvesen, "Jackknifing U-statistics", 1969; Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, eq. 11.5.
    """

    def spread(name: str, metric: str) -> np.ndarray:
        """The spread with all seeds, and without each."""
        part, _, ending = metric.partition("@")
        arrays, ending = predicted(named[name]["family"], name), ending and f"@{ending}"
        parts = [arrays.get(f"test_{of}{ending}") for of in ("predictions", "labels", "indices")]
        if any(each is None for each in parts):
            raise NotKnown(f"the record of {name} has no {metric}")
        kept = [np.arange(len(parts[0])), *(np.delete(np.arange(len(parts[0])), seed) for seed in range(len(parts[0])))]
        splits = [resampled_split(*(each[seeds] for each in parts), unbiased=True) for seeds in kept]
        return np.array([getattr(split, part) for split in splits])

    one = spread(claim.recipe, claim.metric)
    two = claim.versus
    if isinstance(two, str):
        two = spread(two, claim.versus_metric or claim.metric)
    differences = one - two
    seeds = len(differences) - 1
    error = jackknife_error(differences[1:])
    low, high = statistics.student_interval(differences[0], error, confidence, seeds)
    p = statistics.student_test(differences[0] - bound(claim, differences[0]), error, seeds)
    first = (float(one[0]), float(np.broadcast_to(two, one.shape)[0]))
    evidence = f"{against(*first)}; {seeds} seeds, each left out in turn"
    return Effect(*first, float(differences[0]), low, high, seeds, evidence, p)


def jackknife_error(left_out: np.ndarray) -> float:
    """sqrt((n - 1)/n sum_i (t_i - mean)²) of an estimate from its values t_i without each of n seeds."""
    n = len(left_out)
    return float(np.sqrt((n - 1) / n * np.square(left_out - left_out.mean()).sum())) if n > 1 else np.nan


def over_examples(claim: Claim, named: dict, records: Records, predicted: Predicted, confidence: float) -> Effect:
    """The effect on which test examples withstand every attack within an epsilon, or on the rmse of amounts under attack.

    An example of several seeds counts as one. The error of a difference of two rmse is that of the jackknife over examples
    (`jackknife_error`). Raises NotKnown where the attack reliability checks of either say that it cannot be believed.
    """
    of_amounts = base_name(claim.metric) == ROBUST["regression"]

    def attacked(name: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
        """(seeds, examples): whether each stands, or its squared error; and which example it is."""
        family, epsilon = named[name]["family"], metric.partition("@")[2]
        model = records.get("attacks", {}).get(family, {}).get("models", {}).get(name)
        if model is None:
            raise NotKnown(f"no record of an attack on {name}")
        if model["unreliable"]:
            what = "rmse under attack" if of_amounts else "robust accuracy"
            raise NotKnown(f"{what} of {name} cannot be believed: {'; '.join(model['unreliable'])}")
        arrays = predicted("attacks", family)
        rows = next(values for key, values in predicted(family, name).items() if key.startswith("test_indices"))
        if of_amounts:
            values = np.square(arrays[f"robust_error@{epsilon}/{name}"].astype(np.float64))
        else:
            values = arrays[f"smallest_epsilon/{name}"] > float(epsilon)
        return values, rows[: len(values)]

    one, rows = attacked(claim.recipe, claim.metric)
    constant = float(claim.versus) ** (2 if of_amounts else 1) if not isinstance(claim.versus, str) else None
    two = np.full(one.shape, constant) if constant is not None else None
    if two is None:
        two, theirs = attacked(claim.versus, claim.versus_metric or claim.metric)
        seeds = min(len(one), len(two))
        one, two, rows = one[:seeds], two[:seeds], rows[:seeds]
        if not np.array_equal(rows, theirs[:seeds]):
            raise NotKnown(f"{claim.recipe} and {claim.versus} were attacked on different examples")
    _, place = np.unique(rows, return_inverse=True)
    first, second = (np.bincount(place.ravel(), each.ravel()) / np.bincount(place.ravel()) for each in (one, two))
    count = len(first)
    if of_amounts:
        ends, kept = (mean(first) ** 0.5, mean(second) ** 0.5), [left_out_roots(each) for each in (first, second)]
        middle, error = float(subtract(*ends)), jackknife_error(kept[0] - kept[1])
    else:
        differences = subtract(first, second)
        ends, middle, error = (mean(first), mean(second)), mean(differences), statistics.standard_error(differences)
    low, high = statistics.student_interval(middle, error, confidence, count)
    p = statistics.student_test(float(subtract(middle, bound(claim, middle))), error, count)
    seeds = f"{len(one)} seed{'s' if len(one) > 1 else ''}"
    evidence = f"{against(*ends)}; {count} test examples, networks of {seeds}"
    return Effect(*ends, middle, low, high, count, evidence, p)


def left_out_roots(squares: np.ndarray) -> np.ndarray:
    """The root of the mean of the squares (n,) without each of them."""
    return np.sqrt(np.maximum(squares.sum() - squares, 0) / max(len(squares) - 1, 1))


def costs(claim: Claim, named: dict) -> str:
    """The sentence of the evidence on cost: how many times as much the training of the recipe costs.

    Empty where the costs are equal, not counted, or relative to different references.
    """
    if not isinstance(claim.versus, str) or claim.recipe == claim.versus:
        return ""
    records = [named[name] for name in (claim.recipe, claim.versus)]
    cost, other = (record.get("cost", {}).get("relative_to_none") for record in records)
    same_reference = len({record["family"] in COMPARED for record in records}) == 1
    if not (cost and other and same_reference) or 1 / EQUAL_COST <= cost / other <= EQUAL_COST:
        return ""
    return f"; its training costs {cost / other:.2g} times that of {claim.versus}"


METHODS = {"seeds": over_seeds, "all seeds": over_all_seeds, "examples": over_examples}


def against(value: float, versus_value: float) -> str:
    return f"{value:.4g} against {versus_value:.4g}"


def counted(differences: np.ndarray) -> str:
    """In how many seeds the recipe has more, or less where that is more frequent."""
    more, less = int((differences > 0).sum()), int((differences < 0).sum())
    return f"higher in {more}" if more >= less else f"lower in {less}"
