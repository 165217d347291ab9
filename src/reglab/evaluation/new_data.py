"""Would the differences hold on new data? The question "on this distribution", kept apart from "on this data set".

Each seed splits the same examples anew, so a new data set is imitated, not drawn: the training sets overlap. The corrected
resampled t test makes up for that. With one test set for all seeds nothing imitates new examples, and nothing is said.
"""

from typing import Any

import numpy as np

from reglab.evaluation import rounding, statistics
from reglab.measures import better, relevance


def on_distribution(
    differences: dict[Any, np.ndarray],
    metrics: dict[Any, str],
    *,
    test_to_train: float | None,
    confidence: float,
    relevant_difference: float,
) -> dict:
    """By key: `low`, `high`, `p`, `p_holm`, `verdict`, `probability`; None where the question has no answer.

    differences: by key, (seeds,), of the `metrics`; Holm's correction is over those that are not empty.
    `test_to_train`: test examples over training examples, None with a fixed test set. The interval is of the raw
    difference, the verdict counts what is better. `relevant_difference` is that of metrics in units of accuracy.

    Nadeau & Bengio, "Inference for the generalization error", 2003, section 4.
    """
    known = {key: values for key, values in differences.items() if test_to_train is not None and len(values) > 1}
    means = {key: rounding.mean(values) for key, values in known.items()}
    errors = {key: statistics.standard_error(values, test_to_train) for key, values in known.items()}
    p = {key: statistics.student_test(means[key], errors[key], len(values)) for key, values in known.items()}
    adjusted = dict(zip(p, statistics.holm(np.array(list(p.values()))).tolist(), strict=True))
    found = dict.fromkeys(differences)
    for key, values in known.items():
        relevant = relevance(metrics[key], relevant_difference)
        rule = {"relevant_difference": relevant, "level": 1 - confidence}
        ends = statistics.student_interval(means[key], errors[key], confidence, len(values))
        gain = gained(ends, metrics[key])
        sign = -1 if better(metrics[key]) == "lower" else 1
        found[key] = {
            "low": ends[0],
            "high": ends[1],
            "p": p[key],
            "p_holm": adjusted[key],
            "verdict": statistics.verdict(*gain, adjusted[key], seeds=len(values), **rule),
            "probability": statistics.practical(sign * means[key], errors[key], len(values), relevant),
        }
    return found


def gained(ends: tuple[float, float], metric: str) -> tuple[float, float]:
    """The interval of a difference, counted so that more is better."""
    return (-ends[1], -ends[0]) if better(metric) == "lower" else ends


def probability(differences: np.ndarray, metric: str, relevant_difference: float) -> dict[str, float] | None:
    """`statistics.practical` of paired differences (seeds,) on this data set; None where there are none."""
    if len(differences) < 2:
        return None
    sign = -1 if better(metric) == "lower" else 1
    error = statistics.standard_error(differences)
    return statistics.practical(sign * rounding.mean(differences), error, len(differences), relevant_difference)
