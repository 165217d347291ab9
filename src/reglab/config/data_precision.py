"""The lines of the report on the data about verdicts: how many seeds they need, and what the test examples can resolve.

Two networks A and B are tested on the same n examples. If b of them are right under A alone and c under B alone, the
difference of the accuracies is (b - c) / n, and with d = (b + c) / n its variance is (d - (b - c)^2 / n^2) / n <= d / n
(McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", 1947). Hence the
standard error is at most sqrt(d / n). d is not known before there are networks: `DISAGREEMENT` is assumed. This is the error
that the choice of test examples makes; the variation of the training comes on top of it, and shows between seeds alone.
"""

from collections.abc import Iterator, Sequence
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

from reglab.config.data_sentences import Line, line
from reglab.evaluation.metric_names import relevance
from reglab.evaluation.metric_table import DECIDING
from reglab.evaluation.statistics import smallest_seeds
from reglab.experiments.required_seeds import comparison_counts, counted

WORTH = "is what the test parts of all seeds are worth together, where shared examples count less."
DISAGREEMENT = 0.1  # share of the test examples that one of two networks alone gets right


def seed_lines(settings) -> Iterator[Line]:
    """The seeds that each kind of comparison in `settings`, the `Params`, needs."""
    level = 1 - settings.evaluation.confidence
    for kind, count in comparison_counts(settings).items():
        if count > 0:
            needed = smallest_seeds(count, level)
            short = ", too few to call any difference real" if needed > settings.seeds else ""
            yield line(
                needed, "seed", "are", f"needed for {counted(count, kind)}; the study has {settings.seeds}{short}."
            )


def precision_lines(tests: Sequence[np.ndarray], evaluation) -> Iterator[Line]:
    """What the test parts resolve; tests: their rows, by seed; `evaluation` is that section of the `Params`.

    How much two networks differ on amounts or labels is not known beforehand: there the sizes of the parts are all.
    """
    confidence, one, together = evaluation.confidence, len(tests[0]), effective_examples(tests)
    yield f"{one:,}", "is the size of the test part of one seed."
    if DECIDING[evaluation.metric].task != "classification":
        yield f"{together:,.0f}", WORTH
        return
    smallest = points(resolved_difference(one, confidence))
    yield smallest, "of accuracy are what these can resolve: a smaller difference of two networks is within chance."
    yield f"{together:,.0f}", WORTH
    yield points(resolved_difference(together, confidence)), "of accuracy are what all seeds together can resolve."
    if wanted := relevance("test_accuracy", evaluation.relevant_difference, f"test_{evaluation.metric}"):
        needed = needed_examples(wanted, confidence)
        yield line(needed, "test example", "are", f"needed to resolve {points(wanted)}, the relevant difference.")
    yield (
        f"{DISAGREEMENT:.0%}",
        "is d, the assumed share of the test examples that one of two networks alone gets right.",
    )
    z = normal_quantile(confidence)
    yield f"{z:.2f}", f"is z at confidence {confidence:g}: n test examples resolve z sqrt(d / n) (McNemar 1947)."


def effective_examples(rows: Sequence[np.ndarray]) -> float:
    """The number of test examples that all seeds together are worth, (sum of c)^2 / (sum of c^2); rows: those of each seed.

    c counts how many seeds test an example. The mean over the seeds weights each example with c, which has the variance of
    so many examples with equal weights (Kish, "Survey Sampling", 1965, section 11.7): a fixed test set counts once.
    """
    times = np.unique(np.concatenate([*rows]), return_counts=True)[1].astype(float)
    return float(times.sum() ** 2 / (times**2).sum())


def resolved_difference(examples: float, confidence: float, disagreement: float = DISAGREEMENT) -> float:
    """The half width z sqrt(d / n) of the interval of a difference of two accuracies on n test examples."""
    return normal_quantile(confidence) * sqrt(disagreement / examples)


def needed_examples(difference: float, confidence: float, disagreement: float = DISAGREEMENT) -> int:
    """The least n whose `resolved_difference` is at most `difference`: d (z / difference)^2."""
    return ceil(disagreement * (normal_quantile(confidence) / difference) ** 2)


def normal_quantile(confidence: float) -> float:
    """z, such that a standard normal number lies within ± z with this probability."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def points(difference: float) -> str:
    return f"{100 * difference:.2f} points"
