"""Draws what a pretext has learned: its outputs for some examples, and nearest neighbours in its representation."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from torch import Tensor

from reglab.core.figures import COLORS, canvas, shades
from reglab.experiments.pretraining.probes import nearest

SHOWN = 8
QUERIES = 5


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
    """Held-out examples with different targets, each with the examples that lie nearest in the learned space.

    A green frame: `alike` in their targets. `probe` is a `Probed`.
    """
    near = nearest(learner.features_of(probe.inputs), learner.features_of(probe.held_out_inputs), count)
    rows_of = different(probe.held_out_labels)
    titles = [f"{target_text(probe.held_out_labels[row])}: nearest" for row in rows_of]
    named = {
        title: [probe.held_out_inputs[row], *probe.inputs[near[row]]]
        for title, row in zip(titles, rows_of, strict=True)
    }
    right = [[True, *alike(probe.labels, near[row], probe.held_out_labels[row]).tolist()] for row in rows_of]
    return rows(named, right)


def different(labels: Tensor) -> list[int]:
    """The first example of each of up to five targets: the smallest classes, sets of labels, or amounts at five quantiles."""
    if labels.is_floating_point():
        order = labels.argsort(stable=True).tolist()
        chosen = {len(order) * (2 * part + 1) // (2 * QUERIES): None for part in range(QUERIES)}
        places = [order[place] for place in chosen]
    else:
        values = [tuple(row) for row in labels.reshape(len(labels), -1).tolist()]
        places = [values.index(value) for value in sorted(set(values))][:QUERIES]
    first = {target_text(labels[place]): place for place in reversed(places)}  # amounts may look alike once rounded
    return list(first.values())[::-1]


def alike(labels: Tensor, near: Tensor, label: Tensor) -> Tensor:
    """Whether the examples `near` have the class or the set of labels `label`, or an amount within half a standard deviation
    of all the amounts.
    """
    if labels.is_floating_point():
        return (labels[near] - label).abs() <= labels.std(correction=0) / 2
    return (labels[near] == label).reshape(len(near), -1).all(1)


def target_text(label: Tensor) -> str:
    """A class number, an amount with three digits, or the numbers of the labels that an example has."""
    if label.ndim:
        return ", ".join(map(str, label.nonzero().flatten().tolist())) or "none"
    return f"{label.item():.3g}" if label.is_floating_point() else str(label.item())
