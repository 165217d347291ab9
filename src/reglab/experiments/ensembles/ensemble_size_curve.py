"""Metrics of an ensemble by its size: with its first 1, 2, ... members, by every rule that combines them."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from reglab.core.figures import COLORS, canvas, svg
from reglab.evaluation.bias_variance import resampled_brier_split
from reglab.evaluation.classification import classification
from reglab.evaluation.metric_table import NAMES
from reglab.experiments.ensembles.base import disagreement, running

PER_SEED = ("test_accuracy", "test_nll", "test_brier", "test_ece", "validation_accuracy", "disagreement")
BESIDE = tuple(f"test_{name}" for name in NAMES if f"test_{name}" not in PER_SEED)  # where they are defined
OF_ALL = ("bias_squared", "variance")  # belong to all seeds together


@dataclass(frozen=True)
class SizeCurve:
    """The metrics of one seed's ensemble by its size.

    `tests`: by rule, the test probabilities (members, examples, classes) of the first 1, 2, ... members; `scores`: by
    rule and metric of PER_SEED and BESIDE, (members,).
    """

    tests: dict[str, np.ndarray]
    scores: dict[str, dict[str, np.ndarray]]


def size_curve(
    rules: tuple[str, ...],
    weights: Tensor,
    test: Tensor,
    test_labels: Tensor,
    validation: Tensor,
    validation_labels: Tensor,
) -> SizeCurve:
    """The curve from each member's probabilities (members, examples, classes) on test and validation examples."""
    tests, scores = {}, {}
    apart = disagreement(test).numpy()
    for rule in rules:
        combined, chosen = running(test, weights, rule), running(validation, weights, rule).argmax(2)
        metrics = [classification(probabilities, test_labels) for probabilities in combined]
        tests[rule] = combined.numpy()
        scores[rule] = {f"test_{name}": np.array([each[name] for each in metrics]) for name in metrics[0]}
        scores[rule] |= {
            "validation_accuracy": (chosen == validation_labels).double().mean(1).numpy(),
            "disagreement": apart,
        }
    return SizeCurve(tests, scores)


def splits_by_size(tests: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Bias² and variance (members,) of the ensembles of each size.

    tests: probabilities (seeds, members, examples, classes); labels, rows: (seeds, examples).
    """
    splits = [resampled_brier_split(tests[:, k], labels, rows, unbiased=True) for k in range(tests.shape[1])]
    return {name: np.array([getattr(split, name) for split in splits]) for name in OF_ALL}


def all_splits(curves: list[SizeCurve], labels: np.ndarray, rows: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """`splits_by_size` by rule."""
    rules = curves[0].tests
    return {rule: splits_by_size(np.stack([seed.tests[rule] for seed in curves]), labels, rows) for rule in rules}


def table(seeds: list[int], curves: list[SizeCurve], splits: dict[str, dict[str, np.ndarray]]) -> str:
    """`seed,combine,members,<metric>...`: a row for each seed, rule and number; the means are those of seed `all`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    per_seed = [
        *PER_SEED,
        *(name for name in BESIDE if all(name in curve.scores[next(iter(splits))] for curve in curves)),
    ]
    writer.writerow(["seed", "combine", "members", *per_seed, *OF_ALL])

    def write(seed: int | str, rule: str, columns: list[np.ndarray], empty: int) -> None:
        for number, values in enumerate(zip(*columns, strict=True), start=1):
            cells = [f"{value:.7g}" if np.isfinite(value) else "" for value in values]
            writer.writerow([seed, rule, number, *cells, *[""] * empty])

    for seed, curve in zip(seeds, curves, strict=True):
        for rule, scores in curve.scores.items():
            write(seed, rule, [scores[name] for name in per_seed], empty=len(OF_ALL))
    for rule in splits:
        means = [np.mean([curve.scores[rule][name] for curve in curves], axis=0) for name in per_seed]
        write("all", rule, [*means, *splits[rule].values()], empty=0)
    return text.getvalue()


def figure(
    curves: list[SizeCurve],
    splits: dict[str, dict[str, np.ndarray]],
    combine: str,
    others: dict[str, float],
    draw: Callable[[Sequence[Axes]], None] | None = None,
) -> str:
    """Error, log-likelihood and bias² + variance by the number of members, as SVG.

    Lines are means over seeds; the band goes from the lowest to the highest, for intervals are the report's. `others`: test
    accuracies of other models, by name, drawn as level lines. `draw` fills three panels below.
    """
    rows = 2 if draw else 1
    picture, panels = canvas(8.4, 3.0 * rows, rows=rows, columns=3, squeeze=False)
    errors, losses, parts = panels[0]
    if draw:
        draw(panels[1])
    number = np.arange(1, len(splits[combine]["variance"]) + 1)
    for color, rule in zip(COLORS, splits, strict=False):
        for panel, name, sign in ((errors, "test_accuracy", 100), (losses, "test_nll", None)):
            values = np.stack([curve.scores[rule][name] for curve in curves])
            values = values if sign is None else sign * (1 - values)
            line = {"label": rule, "color": color, "linestyle": "-" if rule == combine else ":"}
            panel.plot(number, values.mean(0), marker=".", **line)
            if rule == combine:
                panel.fill_between(number, values.min(0), values.max(0), color=color, alpha=0.2, linewidth=0)
    for color, (name, accuracy) in zip(COLORS[len(splits) :], others.items(), strict=False):
        errors.axhline(100 * (1 - accuracy), color=color, linestyle="--", label=name)
    for color, (name, label) in zip(COLORS, (("bias_squared", "bias²"), ("variance", "variance")), strict=False):
        parts.plot(number, splits[combine][name], marker=".", color=color, label=label)
    parts.plot(number, sum(splits[combine].values()), color="black", label="Brier score, their sum")
    errors.set_ylim(0, None)
    parts.set_ylim(0, None)
    losses.set_yscale("log")
    for panel, label in ((errors, "test error (%)"), (losses, "test loss (nats)"), (parts, f"Brier score, {combine}")):
        panel.set(xlabel="members", ylabel=label)
        panel.xaxis.get_major_locator().set_params(integer=True)
    errors.legend(fontsize=7)
    parts.legend(fontsize=7)
    return svg(picture)
