"""Judges paired comparisons of recipes: the rows of every comparison over seeds are made here.

Two questions, answered separately. "On this data set" asks about new seeds. "On this distribution" asks about new data: each
seed splits the same examples anew, so a new data set is imitated, not drawn, and the training sets overlap; the corrected
resampled t test makes up for that. With one test set for all seeds nothing imitates new examples, and there is no answer.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_names import DECIDES, gained, relevance, sign
from reglab.evaluation.multiple_testing import judge_at_looks, judge_together
from reglab.evaluation.paired_values import diverged_seeds
from reglab.evaluation.rounding import mean

Key = TypeVar("Key", bound=Hashable)
Exclusion = Literal["reference", "diverged", "check failed"]
OF_TEST = ("p", "p_holm", "verdict", "probability", "seeds_needed", "p_to_level", "turns_without")


class PairedComparison(NamedTuple):
    """One recipe against another by a metric.

    `differences`: (seeds,), paired; empty where a seed diverged. `exclusion`: the verdict of what is not tested. `earlier`:
    the differences at the looks before, where the recipe has got more seeds since.
    """

    differences: np.ndarray
    metric: str
    exclusion: Exclusion | None = None
    earlier: Sequence[np.ndarray] = ()


def exclusion(*records: dict, failed: bool) -> Exclusion | None:
    """Why records are not compared: a seed of one diverged, or a technique of one `failed` an exact check."""
    if any(diverged_seeds(record) for record in records):
        return "diverged"
    return "check failed" if failed else None


def judge(
    comparisons: Mapping[Key, PairedComparison],
    seeds: Sequence[str],
    *,
    confidence: float,
    relevant_difference: float | None,
    metric: str = DECIDES,
    looks: Looks | None = None,
) -> dict[Key, dict]:
    """Rows by key, on this data set: `difference` with `low` and `high`; `p`, `p_holm`, `verdict`, `p_to_level` and
    `turns_without` as in `judge_together`; `probability`; and `seeds_needed` where the verdict is "cannot tell".

    With `looks` recipes may have different numbers of seeds, each that of a look. A row then has `look` too: its `number`
    from 1 on, of `seeds`, and the `confidence` of its interval; `p` is that of all looks so far (`Looks.p_values`).

    Holm's correction is over the comparisons that have differences. A comparison that is excluded has its exclusion as
    verdict and no test; only a reference keeps its difference, of zero, to itself. `seeds` are in the order of the
    differences; `relevant_difference` is that of the `metric` which decides (`metric_names.relevance`).
    """
    level = 1 - confidence
    relevant = {key: relevance(each.metric, relevant_difference, metric) for key, each in comparisons.items()}
    confidences = {key: confidence_of(each, confidence, looks) for key, each in comparisons.items()}

    def rule(key: Key, values: np.ndarray, p_holm: float, level: float) -> str:
        given = {"confidence": confidences[key], "relevant_difference": relevant[key], "level": level}
        without_a_seed = len(values) < len(differences[key])
        interval = None if without_a_seed else intervals[key]
        return verdict_of(values, p_holm, comparisons[key].metric, interval=interval, **given)

    differences = {key: each.differences for key, each in comparisons.items() if not each.exclusion}
    intervals = {key: statistics.difference_interval(values, confidences[key]) for key, values in differences.items()}
    if looks:
        by_look = {key: [*comparisons[key].earlier, values] for key, values in differences.items()}
        tests = judge_at_looks(by_look, rule, looks, level=level)
    else:
        tests = judge_together(differences, rule, seeds, level=level)
    tested = sum(np.isfinite(test["p"]) for test in tests.values())
    rows = {}
    for key, (values, measured, excluded, _) in comparisons.items():
        values = np.empty(0) if excluded in ("diverged", "check failed") else values
        low, high = intervals[key] if key in intervals else statistics.difference_interval(values, confidence)
        effect = {"difference": mean(values), "low": low, "high": high}
        if excluded:
            turned = None if excluded == "reference" else {}
            rows[key] = effect | dict.fromkeys(OF_TEST) | {"verdict": excluded, "turns_without": turned}
            continue
        needed = None
        if tests[key]["verdict"] == "cannot tell":
            last = float(looks.nominal(level)[-1]) if looks else level
            given = {"relevant_difference": relevant[key], "level": last}
            needed = statistics.seeds_needed(values, comparisons=tested, **given)
        more = {"probability": probability(values, measured, relevant[key]), "seeds_needed": needed}
        rows[key] = effect | {name: (tests[key] | more)[name] for name in OF_TEST}
        if looks and len(values):
            rows[key]["look"] = {
                "number": len(comparisons[key].earlier) + 1,
                "seeds": len(values),
                "confidence": confidences[key],
            }
    return rows


def confidence_of(comparison: PairedComparison, confidence: float, looks: Looks | None) -> float:
    """The confidence of the interval of a comparison: that of its look, so that interval and verdict agree."""
    if not looks or not len(comparison.differences):
        return confidence
    return looks.confidence(len(comparison.differences), confidence)


def verdict_of(
    differences: np.ndarray,
    p_holm: float,
    metric: str,
    *,
    confidence: float,
    relevant_difference: float,
    level: float,
    interval: tuple[float, float] | None = None,
) -> str:
    """`statistics.verdict` of paired differences (seeds,) in the metric; `interval` is theirs, where it is known already.

    The bootstrap is spared where it cannot matter: an interval contains its mean.
    """
    if p_holm > level and abs(mean(differences)) > relevant_difference:
        return "cannot tell"
    gain = gained(interval or statistics.difference_interval(differences, confidence), metric)
    rule = {"seeds": len(differences), "relevant_difference": relevant_difference, "level": level}
    return statistics.verdict(*gain, p_holm, **rule)


def on_distribution(
    comparisons: Mapping[Key, PairedComparison],
    *,
    test_to_train: float | None,
    confidence: float,
    relevant_difference: float | None,
    metric: str = DECIDES,
    looks: Looks | None = None,
) -> dict[Key, dict | None]:
    """Rows by key, on this distribution: `low`, `high`, `p`, `p_holm`, `verdict`, `probability`; None where there is no
    answer. `looks` are as in `judge`.

    `test_to_train`: test examples over training examples, None with a fixed test set. The interval is of the difference,
    the verdict is on the gain. Nadeau & Bengio, "Inference for the generalization error", 2003, section 4.
    """
    known = {
        key: each
        for key, each in comparisons.items()
        if test_to_train is not None and not each.exclusion and len(each.differences) > 1
    }
    p, intervals = {}, {}
    for key, each in known.items():
        values = each.differences
        tested = [student_p(by_look, test_to_train) for by_look in (*each.earlier, values)]
        error = statistics.standard_error(values, test_to_train)
        p[key] = float(looks.p_values(tested)) if looks else tested[-1]
        of_look = confidence_of(each, confidence, looks)
        intervals[key] = statistics.student_interval(mean(values), error, of_look, len(values))
    relevant = {key: relevance(each.metric, relevant_difference, metric) for key, each in known.items()}

    def rule(key: Key, _: None, p_holm: float, level: float) -> str:
        given = {"seeds": len(known[key].differences), "relevant_difference": relevant[key], "level": level}
        return statistics.verdict(*gained(intervals[key], known[key].metric), p_holm, **given)

    rows: dict[Key, dict | None] = dict.fromkeys(comparisons)
    for key, test in judge_together({}, rule, (), level=1 - confidence, other_p=p).items():
        values, measured = known[key][:2]
        rows[key] = {
            "low": intervals[key][0],
            "high": intervals[key][1],
            **{name: test[name] for name in ("p", "p_holm", "verdict")},
            "probability": probability(values, measured, relevant[key], test_to_train),
        }
    return rows


def student_p(differences: np.ndarray, test_to_train: float) -> float:
    """The p-value of `statistics.student_test` with the variance corrected for resampled splits."""
    error = statistics.standard_error(differences, test_to_train)
    return statistics.student_test(mean(differences), error, len(differences))


def probability(
    differences: np.ndarray, metric: str, relevant_difference: float, test_to_train: float = 0.0
) -> dict[str, float] | None:
    """`statistics.practical` of the gain in paired differences (seeds,); None for fewer than two."""
    error = statistics.standard_error(differences, test_to_train)
    return statistics.practical(sign(metric) * mean(differences), error, len(differences), relevant_difference)
