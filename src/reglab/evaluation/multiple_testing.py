"""Judges a family of tests together: sign flip, Holm's correction, verdict, and which seeds turn the verdict."""

from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.leave_one_out import Null, Rule, turns, turns_at_looks
from reglab.evaluation.looks import Looks
from reglab.evaluation.rounding import subtract

Key = TypeVar("Key", bound=Hashable)


def judge_together(
    differences: Mapping[Key, np.ndarray],
    rule: Rule,
    seeds: Sequence[str],
    *,
    level: float,
    null: Null = lambda key, values: 0.0,
    other_p: Mapping[Key, float] = MappingProxyType({}),
) -> dict[Key, dict]:
    """By key, `p` of the sign flip, `p_holm` over all that have a p-value, `verdict` by the `rule`, `p_to_level` (p_holm less
    the level), and `turns_without`: by seed, the verdict without it, of those seeds that turn it (`leave_one_out.turns`).

    differences: by key, paired (seeds,), in the order of `seeds`; empty where there is nothing to compare. `other_p`: the
    p-values of members of the family that another test gives; the rule gets None for their differences.
    """
    tested = statistics.sign_flips([subtract(values, null(key, values)) for key, values in differences.items()])
    p = dict(zip(differences, tested, strict=True)) | dict(other_p)
    p_holm = dict(zip(p, statistics.holm(np.array(list(p.values()))).tolist(), strict=True))
    verdicts = {key: rule(key, differences.get(key), p_holm[key], level) for key in p}
    turned = turns(differences, verdicts, rule, seeds, level=level, null=null, other_p=list(other_p.values()))
    return rows(p, p_holm, verdicts, turned, level)


def judge_at_looks(
    differences: Mapping[Key, Sequence[np.ndarray]], rule: Rule, looks: Looks, *, level: float
) -> dict[Key, dict]:
    """As `judge_together`, of differences at the first look, the second, ..., of each key as many as it has had looks.

    `p` is that of all its looks (`Looks.p_values`), so that Holm's method may correct it although the keys have stopped at
    different looks: Maurer & Bretz, "Multiple testing in group sequential trials using graphical approaches", Statistics in
    Biopharmaceutical Research 2013. The rule gets the differences of the last look.
    """
    flipped = iter(statistics.sign_flips([values for by_look in differences.values() for values in by_look]))
    by_look = {key: [next(flipped) for _ in values] for key, values in differences.items()}
    p = {key: float(looks.p_values(values)) for key, values in by_look.items()}
    p_holm = dict(zip(p, statistics.holm(np.array(list(p.values()))).tolist(), strict=True))
    verdicts = {key: rule(key, differences[key][-1], p_holm[key], level) for key in p}
    turned = turns_at_looks(differences, by_look, verdicts, rule, looks, level=level)
    return rows(p, p_holm, verdicts, turned, level)


def rows(p: Mapping[Key, float], p_holm: Mapping[Key, float], verdicts: Mapping, turned: Mapping, level: float) -> dict:
    """What `judge_together` says of each key."""
    return {
        key: {
            "p": p[key],
            "p_holm": p_holm[key],
            "verdict": verdicts[key],
            "p_to_level": p_holm[key] - level,
            "turns_without": turned.get(key, {}),
        }
        for key in p
    }
