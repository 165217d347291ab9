"""Draws what a pretext has learned: its outputs for some examples, and nearest neighbours in its representation."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from reglab.core.figures import COLORS, canvas, shades
from reglab.experiments.pretraining.probes import nearest

SHOWN = 8


def rows(named: dict[str, Sequence[Tensor]], right: Sequence[Sequence[bool]] | None = None) -> Figure:
    """A row of examples for each name; `right` marks each by a frame, green or red with a dotted line."""
    columns = max(map(len, named.values()))
    figure, panels = canvas(0.72 * columns + 1.1, 0.78 * len(named), len(named), columns, squeeze=False)
    for place, (name, images) in enumerate(named.items()):
        for column, panel in enumerate(panels[place]):
            panel.set(xticks=[], yticks=[])
            panel.grid(False)
            if column >= len(images):
                panel.set_axis_off()
                continue
            example = shades(images[column].detach().cpu().numpy())
            aspect = "auto" if images[column].ndim == 1 else "equal"
            panel.imshow(example, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect=aspect)
            panel.spines[:].set_visible(right is not None)
            if right is not None:
                good = right[place][column]
                panel.spines[:].set(color=COLORS[2] if good else COLORS[1], linestyle="-" if good else ":", linewidth=2)
        panels[place][0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
    return figure


@torch.no_grad()
def neighbours(learner, probe, count: int = 6) -> Figure:
    """Held-out examples of different classes, each with the examples that lie nearest in the learned space.

    A green frame: of the same class. `probe` is a `Probed`.
    """
    near = nearest(learner.features(probe.inputs), learner.features(probe.held_out_inputs), count)
    labels = probe.held_out_labels.tolist()
    queries = [labels.index(label) for label in sorted(set(labels))][:5]
    named = {f"{labels[row]}: nearest": [probe.held_out_inputs[row], *probe.inputs[near[row]]] for row in queries}
    right = [[True, *(probe.labels[near[row]] == labels[row]).tolist()] for row in queries]
    return rows(named, right)
