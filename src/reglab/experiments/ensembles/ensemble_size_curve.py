"""Metrics of an ensemble by its size: with its first 1, 2, ... members, by every rule that combines them."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from reglab.core.figures import COLORS, canvas, svg
from reglab.core.tasks import Task
from reglab.evaluation.bias_variance import resampled_split
from reglab.evaluation.predicted import predicted_metrics
from reglab.experiments.ensembles.base import disagreement, running

OF_ALL = ("bias_squared", "variance")  # belong to all seeds together
# The panels of the figure, by the score of the task: metric, label, what is drawn of it; last, what bias² and variance sum
# to.
PANELS = {
    "accuracy": (
        ("test_accuracy", "test error (%)", lambda accuracy: 100 * (1 - accuracy)),
        ("test_nll", "test loss (nats)", lambda loss: loss),
        "Brier score",
    ),
    "rmse": (
        ("test_rmse", "test root mean squared error", lambda error: error),
        ("test_mae", "test mean absolute error", lambda error: error),
        "Squared error",
    ),
    "hamming_loss": (
        ("test_hamming_loss", "test Hamming loss (%)", lambda share: 100 * share),
        ("test_binary_cross_entropy", "test loss (nats)", lambda loss: loss),
        "Brier score of labels",
    ),
}


@dataclass(frozen=True)
class SizeCurve:
    """The metrics of one seed's ensemble by its size.

    `tests`: by rule, the test predictions (members, examples, outputs) of the first 1, 2, ... members; `scores`: by rule and
    metric, (members,).
    """

    tests: dict[str, np.ndarray]
    scores: dict[str, dict[str, np.ndarray]]


def size_curve(
    task: Task,
    rules: tuple[str, ...],
    weights: Tensor,
    test: Tensor,
    test_labels: Tensor,
    validation: Tensor,
    validation_labels: Tensor,
) -> SizeCurve:
    """The curve from each member's predictions (members, examples, outputs) on test and validation examples."""
    tests, scores = {}, {}
    apart = disagreement(test, task).numpy()
    for rule in rules:
        combined, validated = running(test, weights, rule), running(validation, weights, rule)
        metrics = [predicted_metrics(each.numpy(), test_labels.numpy()) for each in combined]
        tests[rule] = combined.numpy()
        scores[rule] = {f"test_{name}": np.array([each[name] for each in metrics]) for name in metrics[0]}
        scores[rule] |= {
            f"validation_{task.score}": np.array([task.value(each, validation_labels) for each in validated]),
            "disagreement": apart,
        }
    return SizeCurve(tests, scores)


def splits_by_size(tests: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Bias² and variance (members,) of the ensembles of each size.

    tests: predictions (seeds, members, examples, outputs); labels, rows: (seeds, examples).
    """
    splits = [resampled_split(tests[:, k], labels, rows, unbiased=True) for k in range(tests.shape[1])]
    return {name: np.array([getattr(split, name) for split in splits]) for name in OF_ALL}


def all_splits(curves: list[SizeCurve], labels: np.ndarray, rows: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """`splits_by_size` by rule."""
    rules = curves[0].tests
    return {rule: splits_by_size(np.stack([seed.tests[rule] for seed in curves]), labels, rows) for rule in rules}


def table(seeds: list[int], curves: list[SizeCurve], splits: dict[str, dict[str, np.ndarray]]) -> str:
    """`seed,combine,members,<metric>...`: a row for each seed, rule and number; the means are those of seed `all`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    first, *others = (curve.scores[next(iter(splits))] for curve in curves)
    per_seed = [name for name in first if all(name in other for other in others)]
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
    """Two errors (`PANELS`) and bias² + variance by the number of members, as SVG.

    Lines are means over seeds; the band goes from the lowest to the highest, for intervals are the report's. `others`: the
    score of the task of other models on the test, by name, drawn as level lines. `draw` fills three panels below.
    """
    *drawn, squared = next(panel for score, panel in PANELS.items() if f"test_{score}" in curves[0].scores[combine])
    rows = 2 if draw else 1
    picture, panels = canvas(8.4, 3.0 * rows, rows=rows, columns=3, squeeze=False)
    errors, losses, parts = panels[0]
    if draw:
        draw(panels[1])
    number = np.arange(1, len(splits[combine]["variance"]) + 1)
    for color, rule in zip(COLORS, splits, strict=False):
        for panel, (name, _, shown) in zip((errors, losses), drawn, strict=True):
            values = shown(np.stack([curve.scores[rule][name] for curve in curves]))
            line = {"label": rule, "color": color, "linestyle": "-" if rule == combine else ":"}
            panel.plot(number, values.mean(0), marker=".", **line)
            if rule == combine:
                panel.fill_between(number, values.min(0), values.max(0), color=color, alpha=0.2, linewidth=0)
    for color, (name, value) in zip(COLORS[len(splits) :], others.items(), strict=False):
        errors.axhline(drawn[0][2](value), color=color, linestyle="--", label=name)
    for color, (name, label) in zip(COLORS, (("bias_squared", "bias²"), ("variance", "variance")), strict=False):
        parts.plot(number, splits[combine][name], marker=".", color=color, label=label)
    parts.plot(number, sum(splits[combine].values()), color="black", label=f"{squared}, their sum")
    errors.set_ylim(0, None)
    parts.set_ylim(0, None)
    losses.set_yscale("log")
    labels = (*(label for _, label, _ in drawn), f"{squared}, {combine}")
    for panel, label in zip((errors, losses, parts), labels, strict=True):
        panel.set(xlabel="members", ylabel=label)
        panel.xaxis.get_major_locator().set_params(integer=True)
    errors.legend(fontsize=7)
    parts.legend(fontsize=7)
    return svg(picture)
