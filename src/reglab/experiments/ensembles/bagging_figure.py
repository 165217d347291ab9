"""Draws bagging: the examples of each member, the pixels that speak for an "8" in it, and a vote of all members.

After Goodfellow, Bengio and Courville, Deep Learning, 2016, figure 7.5.
"""

import numpy as np
import torch
from matplotlib.axes import Axes

from reglab.core.figures import COLORS
from reglab.data.prepared import Split
from reglab.experiments.ensembles.base import Committee

SHOWN = 8  # examples of the training set
ROWS = 4  # members
LOOKED_AT = 1_000  # test images, the first ones


def draw(panels: list[Axes], committee: Committee, split: Split, samples: list[np.ndarray], wanted: int) -> None:
    """Fill three panels: resampled examples, the pixels that speak for class `wanted`, and a contested vote.

    samples: each member's row numbers into the labelled examples, whose inputs are images (channels, height, width).
    """
    resampled(panels[0], split, samples, wanted)
    learned(panels[1], committee, split, wanted)
    voted(panels[2], committee, split)


def resampled(panel: Axes, split: Split, samples: list[np.ndarray], wanted: int) -> None:
    """Draw a few training images, and below them how often each member drew them: images it did not draw are blank."""
    labels = split.labels["labelled"]
    of_class, others = np.flatnonzero(labels == wanted), np.flatnonzero(labels != wanted)
    rows = np.concatenate([of_class[: SHOWN // 2], others[: SHOWN // 2]])
    images = split.inputs["labelled"][rows].mean(1)
    times = np.stack([np.bincount(sample, minlength=len(labels))[rows] for sample in samples[:ROWS]])
    tiles = [images, *(images * (drawn > 0)[:, None, None] for drawn in times)]
    show(panel, tiles, cmap="Greys", vmin=0, vmax=images.max())
    height, width = images.shape[1:]
    for row, drawn in enumerate(times, start=1):
        for column, number in enumerate(drawn):
            if number > 1:
                corner = (
                    (column + 1) * (width + 1) - 2,
                    (row + 1) * (height + 1) - 2,
                )  # inside the image, clear of its ink
                patch = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
                panel.text(*corner, f"×{number}", ha="right", va="bottom", fontsize=7, color=COLORS[1], bbox=patch)
    label_rows(panel, ["original", *(f"member {member}" for member in range(1, len(times) + 1))], height)
    panel.set_title("Examples as drawn with replacement", fontsize=9)


def learned(panel: Axes, committee: Committee, split: Split, wanted: int) -> None:
    """Draw (x - mean image) times the gradient of log p(wanted), mean over the test images x of that class.

    Blue pixels speak for the class, red ones against it.
    """
    images = torch.as_tensor(split.inputs["test"][:LOOKED_AT])
    inputs = images[torch.as_tensor(split.labels["test"][:LOOKED_AT] == wanted)].requires_grad_()
    members = committee.members(inputs).clamp(min=torch.finfo(torch.float32).tiny)
    predictions = [members.mean(0), *members[:ROWS]]  # the mean also where the members vote: a vote has no gradient
    tiles = []
    for probabilities in predictions:
        (gradient,) = torch.autograd.grad(probabilities.log()[:, wanted].sum(), inputs, retain_graph=True)
        tile = ((inputs - images.mean(0)) * gradient).mean((0, 1)).detach().numpy()
        tiles.append(tile / np.abs(tile).max())
    show(panel, [np.stack(tiles)], cmap="RdBu", vmin=-1, vmax=1)
    middles = [(images.shape[3] + 1) * column + (images.shape[3] - 1) / 2 for column in range(len(predictions))]
    panel.set_xticks(middles, ["all", *map(str, range(1, len(predictions)))], fontsize=7)
    panel.set_xlabel("member", fontsize=7)
    panel.tick_params(length=0)
    panel.set_title(f"Speaks for a “{wanted}” (blue), against (red)", fontsize=9)


@torch.no_grad()
def voted(panel: Axes, committee: Committee, split: Split) -> None:
    """Draw the test image on which the members agree least, of those that the ensemble gets right, and their votes."""
    inputs, labels = torch.as_tensor(split.inputs["test"][:LOOKED_AT]), split.labels["test"][:LOOKED_AT]
    members = committee.members(inputs)
    votes = members.argmax(2).numpy()
    classes = members.shape[2]
    counts = np.stack([np.bincount(column, minlength=classes) for column in votes.T])
    right = committee(inputs).argmax(1).numpy() == labels
    chosen = int(np.argmin(np.where(right, counts[np.arange(len(labels)), labels], counts.max() + 1)))
    colors = [COLORS[0] if label == labels[chosen] else COLORS[1] for label in range(classes)]
    panel.bar(range(classes), counts[chosen], color=colors)
    panel.set(xlabel="class", ylabel="votes", xticks=range(classes), ylim=(0, 1.6 * counts[chosen].max()))
    panel.yaxis.get_major_locator().set_params(integer=True)
    panel.set_title(f"The vote on a contested “{labels[chosen]}”", fontsize=9)
    image = panel.inset_axes([0.02, 0.62, 0.3, 0.36])
    show(image, [inputs[chosen].numpy().mean(0)[None]], cmap="Greys")


def show(panel: Axes, rows: list[np.ndarray], **look) -> None:
    """Draw rows of images (count, height, width) side by side, with an empty pixel between them."""
    framed = [np.pad(row.astype(float), ((0, 0), (0, 1), (0, 1)), constant_values=np.nan) for row in rows]
    panel.imshow(np.vstack([np.hstack(list(row)) for row in framed])[:-1, :-1], interpolation="nearest", **look)
    panel.set(xticks=[], yticks=[])
    panel.grid(False)
    for spine in panel.spines.values():
        spine.set_visible(False)


def label_rows(panel: Axes, names: list[str], height: int) -> None:
    panel.set_yticks([(height + 1) * row + (height - 1) / 2 for row in range(len(names))], names, fontsize=7)
    panel.tick_params(length=0)
