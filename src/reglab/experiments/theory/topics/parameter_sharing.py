"""Parameter sharing, where one parameter has several uses, and tying, where parameters are pulled together.

Sharing. A convolution applies the same kernel to the patch at every position. A layer with a separate kernel for each
position has the same outputs if all its kernels are equal, and the gradient of the shared kernel is the sum of their
gradients. A fully connected layer with zeros outside the patches is equivalent too.

Tying. Two linear regressions on related tasks, each with an unpenalized bias, under the lecture's penalty:

    J(wA, wB) = 1/nA |XA wA - yA|^2 + 1/nB |XB wB - yB|^2 + strength |wA - wB|^2

With H = X^T X / n and b = X^T y / n of the centred data the optimum solves

    [HA + strength I      -strength I] [wA]   [bA]
    [     -strength I HB + strength I] [wB] = [bB]

Strength 0 gives two separate fits. For large strength both approach the shared fit w = (HA + HB)^-1 (bA + bB), and the
distance falls like 1/strength: strength (wA - wB) -> bA - HA w, the pull of task A on the shared weights.

Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, sections 7.9 and 9.2.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Le
from matplotlib.axes import Axes
from torch import Tensor
from torch.nn import functional

from reglab.core import streams
from reglab.core.checks import Check
from reglab.core.figures import COLORS, INK, canvas
from reglab.data import load_source
from reglab.experiments.theory.base import Finding, Topic, relative_difference
from reglab.training.penalties import tying

SPLITS = 200  # of each group into training and held-out patients
FAR = 1e6
STRENGTHS = np.geomspace(1e-3, 1e3, 31)


def unshared(images: Tensor, kernels: Tensor, size: int) -> Tensor:
    """A convolution without sharing: a kernel for each position, no padding, no bias.

    images (n, inputs, height, width); kernels (positions, outputs, inputs * size^2); (n, outputs, positions), the
    positions row by row.
    """
    return torch.einsum("nip,poi->nop", functional.unfold(images, size), kernels)


def connections(kernel: Tensor, height: int, width: int) -> Tensor:
    """The convolution as a fully connected layer: its matrix (outputs * positions, inputs * height * width).

    A column is what the convolution makes of an image with a single lit pixel.
    """
    pixels = torch.eye(kernel.shape[1] * height * width, dtype=kernel.dtype).reshape(-1, kernel.shape[1], height, width)
    return functional.conv2d(pixels, kernel).flatten(1).T


class RegressionTask(NamedTuple):
    """Centred training data of one task as H (d, d) and b (d,), and the held-out patients centred by the same means."""

    hessian: np.ndarray
    moment: np.ndarray
    inputs: np.ndarray
    targets: np.ndarray

    def error(self, weights: np.ndarray) -> np.ndarray:
        """Mean squared held-out error (...,) of weights (..., d); the bias is that of the training means."""
        return np.square(self.targets - weights @ self.inputs.T).mean(-1)


def task_of(inputs: np.ndarray, targets: np.ndarray, train: np.ndarray, rest: np.ndarray) -> RegressionTask:
    """The task of the rows `train` of inputs (n, d) and targets (n,), evaluated on the rows `rest`."""
    center, level = inputs[train].mean(0), targets[train].mean()
    x, y = inputs[train] - center, targets[train] - level
    return RegressionTask(x.T @ x / len(x), x.T @ y / len(x), inputs[rest] - center, targets[rest] - level)


def tasks(examples: int, split: int) -> tuple[RegressionTask, RegressionTask]:
    """Disease progression of the diabetes patients of either sex, from `examples` of each; the rest is held out."""
    from sklearn.datasets import load_diabetes

    data, progression = load_diabetes(return_X_y=True)
    sex, inputs = data[:, 1] > 0, np.delete(data, 1, axis=1) * len(data) ** 0.5
    random = np.random.default_rng(streams.seed_of("parameter_sharing", split))
    orders = [random.permutation(np.flatnonzero(group)) for group in (sex, ~sex)]
    one, other = (task_of(inputs, progression, *np.split(order, [examples])) for order in orders)
    return one, other


def tied(one: RegressionTask, other: RegressionTask, strengths: np.ndarray) -> np.ndarray:
    """The weights (len(strengths), 2, d) of both tasks: the solution of the block system."""
    d, identity = len(one.moment), np.eye(len(one.moment))
    separate = np.zeros((2 * d, 2 * d))
    separate[:d, :d], separate[d:, d:] = one.hessian, other.hessian
    pull = np.block([[identity, -identity], [-identity, identity]])
    systems = separate + np.asarray(strengths, float)[:, None, None] * pull
    right = np.concatenate([one.moment, other.moment])
    return np.linalg.solve(systems, right[None, :, None]).reshape(-1, 2, d)


def shared(one: RegressionTask, other: RegressionTask) -> np.ndarray:
    """(HA + HB)^-1 (bA + bB): the weight vector (d,) of least summed loss on both tasks."""
    return np.linalg.solve(one.hessian + other.hessian, one.moment + other.moment)


def held_out(pair: tuple[RegressionTask, RegressionTask], weights: np.ndarray) -> np.ndarray:
    """The mean of both tasks' held-out errors (...,) for weights (..., 2, d)."""
    return (pair[0].error(weights[..., 0, :]) + pair[1].error(weights[..., 1, :])) / 2


def slope(one: RegressionTask, other: RegressionTask, weights: np.ndarray, strength: float) -> float:
    """The largest derivative of J by either weight vector, as the penalty's own code gives it, relative to b."""
    pair = torch.tensor(weights, requires_grad=True)
    fits = [
        w @ torch.as_tensor(task.hessian) @ w - 2 * torch.as_tensor(task.moment) @ w
        for task, w in zip((one, other), pair, strict=True)
    ]
    (sum(fits) + strength * tying([pair[0]], [pair[1]])).backward()
    return float(pair.grad.abs().max() / np.abs([one.moment, other.moment]).max())


@dataclass(frozen=True)
class ParameterSharing(Topic):
    """A convolution of `channels` kernels, and regressions tied with `strength` on `examples` patients of each sex."""

    lecture: ClassVar[str] = "tying_and_sharing"

    channels: Annotated[int, Ge(1), Le(64)] = 8
    kernel_size: Annotated[int, Ge(1), Le(8)] = 3
    strength: Annotated[float, Ge(0), Le(1e3)] = 1.0
    examples: Annotated[int, Ge(30), Le(150)] = 50

    def run(self) -> Finding:
        figure, ((dense, local, convolution), (counts, errors, distances)) = canvas(7.6, 5.0, rows=2, columns=3)
        self.draw_connections(dense, local, convolution)
        sharing, held = self.sharing(counts)
        tying_numbers, solved = self.tying(errors, distances)
        numbers = {name: float(value) for name, value in (sharing | tying_numbers).items()}
        return Finding(numbers, held + solved, figure)

    def sharing(self, panel: Axes) -> tuple[dict, list[Check]]:
        images = torch.as_tensor(load_source("digits")[0][:64]).double()
        height, width, size = *images.shape[2:], self.kernel_size
        positions = (height - size + 1) * (width - size + 1)
        random = streams.generator("parameter_sharing", "kernel")
        kernel = (torch.rand(self.channels, 1, size, size, generator=random, dtype=torch.float64) * 2 - 1) / size
        kernel.requires_grad_()
        kernels = kernel.detach().flatten(1).repeat(positions, 1, 1).requires_grad_()

        def gap(kind: torch.dtype, other: Tensor) -> float:
            wanted = functional.conv2d(images.to(kind), kernel.detach().to(kind)).flatten(2)
            return float((other.detach().reshape(wanted.shape) - wanted).abs().max() / wanted.abs().max())

        matrix = connections(kernel.detach(), height, width)
        functional.conv2d(images, kernel).square().sum().backward()
        unshared(images, kernels, size).square().sum().backward()
        added = kernels.grad.sum(0).reshape(kernel.shape)
        parameters = {"fully_connected": matrix.numel(), "unshared": kernels.numel(), "convolution": kernel.numel()}

        names = [name.replace("_", "\n") for name in parameters]
        panel.bar(names, parameters.values(), color=[COLORS[4], COLORS[0], COLORS[2]], log=True)
        for place, count in enumerate(parameters.values()):
            panel.annotate(f"{count:,}", (place, count), (0, 3), textcoords="offset points", ha="center", fontsize=8)
        panel.set(ylabel="weights", ylim=(1, 10 * matrix.numel()))
        panel.grid(False, axis="x")
        panel.tick_params(axis="x", labelsize=7)
        panel.set_title(f"8×8 digits, {self.channels} kernels of {size}×{size}", fontsize=9)
        singles = unshared(images.float(), kernels.float(), size)
        return {f"weights_{name}": count for name, count in parameters.items()}, [
            Check(
                "unshared layer with equal kernels = convolution, float64",
                gap(torch.float64, unshared(images, kernels, size)),
                1e-12,
            ),
            Check("unshared layer with equal kernels = convolution, float32", gap(torch.float32, singles), 1e-6),
            Check(
                "fully connected layer with zeros off the patches = convolution",
                gap(torch.float64, images.flatten(1) @ matrix.T),
                1e-12,
            ),
            Check(
                "gradient of the shared kernel = sum over the positions",
                float((added - kernel.grad).abs().max() / kernel.grad.abs().max()),
                1e-12,
            ),
        ]

    def tying(self, errors: Axes, distances: Axes) -> tuple[dict, list[Check]]:
        pairs = [tasks(self.examples, split) for split in range(SPLITS)]
        path = np.concatenate([[0.0, self.strength, FAR], STRENGTHS])
        weights = np.stack([tied(*pair, path) for pair in pairs])
        common = np.stack([shared(*pair) for pair in pairs])
        error = np.stack([held_out(pair, one) for pair, one in zip(pairs, weights, strict=True)])
        error_shared = np.stack([held_out(pair, np.stack([w, w])) for pair, w in zip(pairs, common, strict=True)])
        apart = np.linalg.norm(weights[:, :, 0] - weights[:, :, 1], axis=-1)

        # At strength FAR what is left of the way to the limits is of the order of 1 / (FAR * smallest eigenvalue of H).
        separate = [[np.linalg.solve(task.hessian, task.moment) for task in pair] for pair in pairs]
        pull = [one.moment - one.hessian @ w for (one, _), w in zip(pairs, common, strict=True)]
        far = weights[:, 2]
        checks = [
            Check("strength 0 = two separate fits", relative_difference(weights[:, 0], np.array(separate)), 1e-12),
            Check(
                "gradient of loss + strength * tying is zero at the solution",
                slope(*pairs[0], weights[0, 1], self.strength),
                1e-10,
            ),
            Check(f"strength {FAR:g}: both = the shared fit", relative_difference(far, common[:, None]), 1e-5),
            Check(
                f"strength {FAR:g}: strength (wA - wB) = bA - HA w",
                relative_difference(FAR * (far[:, 0] - far[:, 1]), np.array(pull)),
                1e-4,
            ),
        ]
        mean, best = error.mean(0), 3 + error[:, 3:].mean(0).argmin()
        wins = (error[:, best] < error[:, 0]) & (error[:, best] < error_shared)
        numbers = {
            "held_out_error_separate": mean[0],
            "held_out_error_tied": mean[1],
            "held_out_error_shared": error_shared.mean(),
            "best_strength": path[best],
            "held_out_error_at_best_strength": mean[best],
            "splits_in_which_best_beats_both": wins.mean(),
            "distance_separate": apart[:, 0].mean(),
            "distance_tied": apart[:, 1].mean(),
        }

        errors.axhline(mean[0], color=COLORS[1], linestyle="--", label="separate")
        errors.semilogx(STRENGTHS, mean[3:], color=COLORS[0], label="tied")
        errors.axhline(error_shared.mean(), color=COLORS[2], linestyle="--", label="shared")
        errors.plot(path[best], mean[best], "o", color=COLORS[0], markersize=4)
        errors.set(xlabel="tying strength", ylabel="held-out squared error")
        errors.set_title(f"{self.examples} patients of each sex", fontsize=9)
        errors.legend(fontsize=7)
        distances.loglog(STRENGTHS, apart.mean(0)[3:], color=COLORS[0], label="measured")
        limit = np.linalg.norm(pull, axis=1).mean()
        tail = STRENGTHS[limit / STRENGTHS < 1.5 * apart[:, 0].mean()]
        distances.loglog(tail, limit / tail, ":", color=INK, label="‖bA − HA w‖ / strength")
        distances.set(xlabel="tying strength", ylabel="‖wA − wB‖")
        distances.set_title("Drawn together", fontsize=9)
        distances.legend(fontsize=7)
        return numbers, checks

    def draw_connections(self, *panels: Axes) -> None:
        """The matrix of a layer on a row of 8 pixels; colours are weights."""
        random = np.random.default_rng(streams.seed_of("parameter_sharing", "picture"))
        values = random.random((6, 8))
        near = np.subtract.outer(np.arange(6), np.arange(8))
        patch = (near <= 0) & (near > -3)
        kernel = np.choose(np.clip(-near, 0, 2), [0.15, 0.55, 0.95])
        for panel, title, matrix in zip(
            panels,
            ("fully connected: 48 weights", "unshared: 18 weights", "convolution: 3 weights"),
            (values, np.where(patch, values, np.nan), np.where(patch, kernel, np.nan)),
            strict=True,
        ):
            panel.pcolormesh(matrix, cmap="cividis", vmin=0, vmax=1, edgecolors=INK, linewidth=0.3)
            panel.invert_yaxis()
            panel.grid(False)
            panel.set(xlabel="8 pixels", ylabel="6 outputs", xticks=[], yticks=[], aspect="equal")
            panel.set_title(title, fontsize=9)
