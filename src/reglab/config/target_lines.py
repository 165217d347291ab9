"""What a profile and `reglab new` say of the target of a table: its classes, its amounts, or its labels."""

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

IMBALANCED = 0.5  # share of the rarest class, times the number of classes, below which accuracy says little
RELEVANT = 0.01  # of the standard deviation of the amounts: the difference of two errors that a profile calls relevant


@dataclass(frozen=True)
class LabelCounts:
    """`having`: by label how many of the `rows` have it."""

    having: dict[str, int]
    rows: int


Targets = Counter | np.ndarray | LabelCounts  # rows of each class, or the amounts (n,), or labels


def fewest_examples(targets: Targets) -> int:
    """The least number of examples in a part: one a class; of labels one each, and one without any."""
    if isinstance(targets, LabelCounts):
        return len(targets.having) + 1
    return len(targets) if isinstance(targets, Counter) else 1


def summary_line(targets: Targets) -> str:
    """The classes with the most rows, or the range of the amounts, or the labels and how many a row has."""
    if isinstance(targets, LabelCounts):
        order = sorted(targets.having.items(), key=lambda item: -item[1])
        more = f" and {len(order) - 10} more" if len(order) > 10 else ""
        listed = ", ".join(f"{name} {count:,}" for name, count in order[:10])
        a_row = sum(targets.having.values()) / targets.rows
        return f"labels, of which a row may have any number: {listed}{more}; {a_row:.2f} labels a row on average"
    if isinstance(targets, Counter):
        return "classes: " + ", ".join(f"{level} {count:,}" for level, count in targets.most_common(10))
    return (
        f"amounts, so the task is regression: {amount(targets.min(), targets)} to {amount(targets.max(), targets)}, "
        f"mean {amount(targets.mean(), targets)}, standard deviation {targets.std():.4g}"
    )


def amount(value: float, targets: np.ndarray) -> str:
    """A value in digits that show a hundredth of the standard deviation of the amounts (n,)."""
    spread = targets.std()
    digits = 2 - math.floor(math.log10(spread)) if spread > 0 else 6
    return f"{value:,.{digits}f}" if 0 <= digits <= 6 else f"{value:,.0f}" if digits < 0 else f"{value:.12g}"


def profile_lines(targets: Targets, rows: int) -> list[str]:
    """Which metric decides, or why another one might."""
    if isinstance(targets, LabelCounts):
        return [
            "# The targets are labels, of which a row may have any number. The average precision, the mean over the labels,",
            "# decides: rare labels count as much as others, and no threshold of the probability has to be chosen.",
            "evaluation: {metric: multilabel_average_precision}   # or multilabel_auroc, multilabel_f1, hamming_loss, ...",
            "",
        ]
    if not isinstance(targets, Counter):
        relevant = float(f"{RELEVANT * targets.std():.2g}")
        return [
            "# The target is an amount. A difference of two errors is relevant from one percent of its standard deviation.",
            f"evaluation: {{metric: rmse, relevant_difference: {relevant:g}}}   # rmse, mae or r2",
            "",
        ]
    if min(targets.values()) * len(targets) >= IMBALANCED * rows:
        return []
    return [
        f"# The classes are imbalanced ({', '.join(f'{level} {count:,}' for level, count in targets.most_common(4))}):",
        "# a metric such as balanced_accuracy says more than accuracy here.",
        "",
    ]
