"""The ledger: what was claimed before the run, judged by what the records hold.

A claim is judged on this data set, paired over what its metric has a number for:

    seeds         what every seed measured: the exact sign flip and the bootstrap
    all seeds     bias² and variance, which belong to all of them: the jackknife, leaving out the same seed of both
    examples      robust accuracy, for few seeds are attacked: Student's t over test examples, these networks given

Holm's correction is over the whole ledger.
"""

from dataclasses import replace

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.comparison import Records, diverged, failed_checks, seeds_of, without_nan
from reglab.evaluation.effects import METHODS, Effect, NotKnown, Predicted, bound, costs, effect_of
from reglab.evaluation.leave_one_out import turns
from reglab.evaluation.pairs import by_name
from reglab.evaluation.rounding import mean
from reglab.measures import over, relevance
from reglab.sections import Claim


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

    What is claimed: a difference beyond 0, or beyond the margin; that two are the same, one within it. p is that of the end
    of what is claimed (`effects.bound`): a claim of the same is contradicted by a difference that is shown to be beyond its
    margin, not by one that is shown to be above 0. Rule 4 is that of all other verdicts: a difference that
    does not matter supports nothing and contradicts nothing. A margin says itself what matters, and the relevant difference
    of an accuracy says nothing of a metric in other units (`measures.relevance`), such as a norm: its margin decides, or,
    without one, any difference that is real. Of a gap, the sizes are compared.
    """
    margins = {key: margin_of(claim, relevant_difference) for key, claim in claims.items()}
    claims = {key: replace(claim, margin=margins[key]) for key, claim in claims.items()}
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
    level = 1 - confidence
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
        null=lambda key, values: bound(claims[key], mean(values)),
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
    claimed = bound(claim, effect.difference)
    above, below = low > claimed, high < claimed
    if p_holm > level or not (above or below):
        return "cannot tell"
    return "supported" if above == (claim.direction == "higher") else "contradicted"
