"""The ledger: judges the claims made before the run by what the records hold.

A claim is judged on this data set, paired over the units of its metric:

    seeds         what every seed measured: the exact sign flip and the bootstrap
    all seeds     bias² and variance, which belong to all of them: the jackknife, leaving out the same seed of both
    examples      robust accuracy, or rmse under attack, for few seeds are attacked: Student's t over test examples, these
                  networks given

Holm's correction is over the whole ledger.
"""

from dataclasses import replace

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.effects import METHODS, Effect, NotKnown, Predicted, bound, costs, effect_of
from reglab.evaluation.judgement import exclusion
from reglab.evaluation.metric_names import DECIDES, over, relevance
from reglab.evaluation.multiple_testing import judge_together
from reglab.evaluation.paired_values import Records, diverged_seeds, failed_checks, seeds_of, without_nan
from reglab.evaluation.pairs import by_name
from reglab.evaluation.rounding import mean
from reglab.evaluation.settings import Claim


def judge(
    claims: dict[str, Claim],
    records: Records,
    predicted: Predicted,
    *,
    confidence: float,
    relevant_difference: float | None,
    metric: str = DECIDES,
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
    of an accuracy says nothing of a metric in other units (`metric_names.relevance`), such as a norm: its margin decides, or,
    without one, any difference that is real. Of a gap, the sizes are compared.
    """
    claims = {key: replace(claim, metric=claim.metric or metric) for key, claim in claims.items()}
    relevant = {key: relevance(claim.metric, relevant_difference, metric) for key, claim in claims.items()}
    claims = {key: replace(claim, margin=margin_of(claim, relevant[key])) for key, claim in claims.items()}
    named = by_name(records)
    failed = {name: checks for (_, name), checks in failed_checks(records).items()}
    effects: dict[str, Effect] = {}
    refusals: dict[str, tuple[str, str]] = {}  # verdict, evidence
    for key, claim in claims.items():
        try:
            refusals[key] = refusal(claim, named, failed)
            if not refusals[key]:
                effects[key] = METHODS[over(claim.metric)](claim, named, records, predicted, confidence)
        except NotKnown as problem:
            refusals[key] = ("cannot tell", str(problem))

    def rule(key: str, values: np.ndarray | None, p_holm: float, level: float) -> str:
        effect = effects[key] if values is None else effect_of(claims[key], values, confidence)
        return verdict_of(claims[key], effect, p_holm, relevant[key], level)

    tests = judge_together(
        {key: effect.differences for key, effect in effects.items() if effect.differences is not None},
        rule,
        seeds_of(next(iter(named.values()))) if named else [],
        level=1 - confidence,
        null=lambda key, values: bound(claims[key], mean(values)),
        other_p={key: effect.p for key, effect in effects.items() if effect.differences is None},
    )
    ledger = {}
    for key, claim in claims.items():
        row = {
            **{name: getattr(claim, name) for name in ("says", "lecture", "metric", "recipe", "versus")},
            **{name: getattr(claim, name) for name in ("versus_metric", "direction", "margin")},
            **dict.fromkeys(("value", "versus_value", "difference", "low", "high", "p", "p_holm", "p_to_level")),
            "over": over(claim.metric),
            "turns_without": {},
        }
        if key in effects:
            effect, test = effects[key], tests[key]
            row |= {name: getattr(effect, name) for name in ("value", "versus_value", "difference", "low", "high")}
            row |= {"evidence": effect.evidence + costs(claim, named)} | test
        else:
            row["verdict"], row["evidence"] = refusals[key]
        ledger[key] = row
    return without_nan(ledger)


def refusal(claim: Claim, named: dict[str, dict], failed: dict[str, list[str]]) -> tuple[str, str] | None:
    """Verdict and evidence of a claim that is not tested, by rule 1 of `judge`."""
    sides = [claim.recipe, claim.versus] if isinstance(claim.versus, str) else [claim.recipe]
    checks = [f"{name}: {check}" for name in sides for check in failed.get(name, [])]
    verdict = exclusion(*(named[name] for name in sides), failed=bool(checks))
    if verdict == "diverged":
        diverged = {name: seeds for name in sides if (seeds := diverged_seeds(named[name]))}
        checks = [f"{name} diverged in seed {', '.join(map(str, seeds))}" for name, seeds in diverged.items()]
    return (verdict, "; ".join(checks)) if verdict else None


def margin_of(claim: Claim, relevant: float) -> float | None:
    """The margin of the claim; of one that two are the same, without a margin, the `relevant` difference of its metric."""
    return relevant if claim.direction == "same" and claim.margin is None else claim.margin


def verdict_of(claim: Claim, effect: Effect, p_holm: float, relevant: float, level: float) -> str:
    """The verdict by rules 2 to 6 of `judge`; `relevant` is the relevant difference of the claim's metric."""
    low, high, margin = effect.low, effect.high, claim.margin
    if effect.units < statistics.smallest_seeds(1, level):
        return "cannot tell"
    if claim.direction == "same":
        if -margin <= low and high <= margin:
            return "supported"
        outside = low > margin or high < -margin
        return "contradicted" if outside and p_holm <= level else "cannot tell"
    if margin is None and relevant and -relevant <= low and high <= relevant:
        return "no relevant difference"
    claimed = bound(claim, effect.difference)
    above, below = low > claimed, high < claimed
    if p_holm > level or not (above or below):
        return "cannot tell"
    return "supported" if above == (claim.direction == "higher") else "contradicted"
