"""Draws examples as a policy augments them in training, so that one can see whether they keep their meaning."""

import torch
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

from reglab.core.figures import COLORS, canvas, shades
from reglab.core.streams import Moment
from reglab.data.augmentation.policy import Policy

EPOCHS, SIDE = 7, 0.85  # columns beside the original, inches of a panel
IMAGE, MASK, DEPTH = KINDS = range(3)
LABELS = ListedColormap(["#999999", *COLORS])  # of masks; 0 is what lies behind everything


def preview(policy: Policy, images: Tensor, masks: Tensor | None = None, depth: Tensor | None = None) -> Figure:
    """A row an image (n, channels, height, width) in [0, 1], below it its mask and depth, (n, height, width), if given; of a
    table (n, features) each row as a strip of shades.

    The first column is the original; the others are what seed 0 shows in the first epochs. A mask has a colour a label,
    grey is 0; depth in [0, 1] is brighter further away.
    """
    indices, columns = torch.arange(len(images)), {"original": (images, masks, depth)}
    for epoch in range(EPOCHS):
        moment = Moment(seed=0, epoch=epoch, step=epoch)
        columns[f"epoch {epoch + 1}"] = policy.augment(images, masks, depth, moment, indices, len(images))
    kinds = [kind for kind in KINDS if columns["original"][kind] is not None]
    rows = [(example, kind) for example in range(len(images)) for kind in kinds]
    width, height = SIDE * len(columns) + 0.3, SIDE * len(rows) + 0.3
    figure, panels = canvas(width, height, len(rows), len(columns), squeeze=False)
    for column, (title, shown) in enumerate(columns.items()):
        panels[0, column].set_title(title, fontsize=8)
        for row, (example, kind) in enumerate(rows):
            draw(panels[row, column], shown[kind][example], kind)
    return figure


def draw(panel: Axes, values: Tensor, kind: int) -> None:
    """One image, mask or depth without axes, pixel for pixel."""
    panel.set_axis_off()
    how = {"cmap": ("gray", LABELS, "cividis")[kind], "vmin": 0, "vmax": LABELS.N - 1 if kind == MASK else 1}
    if kind == IMAGE:
        panel.imshow(
            shades(values.numpy()), interpolation="none", aspect="auto" if values.ndim == 1 else "equal", **how
        )
    else:
        panel.imshow(values.numpy(), interpolation="none", **how)
