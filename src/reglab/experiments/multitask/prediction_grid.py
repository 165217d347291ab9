"""Draws test scenes beside the predictions of each learner."""

from collections.abc import Mapping

from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from reglab.core.figures import COLORS, INK, canvas
from reglab.data.sources.scenes import CLASSES
from reglab.experiments.multitask.base import MultitaskLearner, SceneBatch

SOLIDS = ListedColormap(["#404040", *COLORS[: len(CLASSES)]], name="solids")


def picture(learners: Mapping[str, MultitaskLearner], scenes: SceneBatch) -> Figure:
    """A row a scene: image, true mask, each learner's mask, true depth, each learner's depth; the lighter the nearer."""
    predicted = {name: learner.predict(scenes.inputs) for name, learner in learners.items()}
    titled = {name: name.replace("_", "\n") for name in learners}
    columns = [("image", scenes.inputs.permute(0, 2, 3, 1), {})]
    solids = {"cmap": SOLIDS, "vmin": 0, "vmax": len(CLASSES)}
    columns += [("class", scenes.masks, solids)]
    columns += [(titled[n], p["segmentation"].argmax(1), solids) for n, p in predicted.items() if "segmentation" in p]
    distance = {"cmap": "cividis_r", "vmin": float(scenes.depth.min()), "vmax": float(scenes.depth.max())}
    columns += [("depth", scenes.depth, distance)]
    columns += [(titled[n], p["depth"][:, 0], distance) for n, p in predicted.items() if "depth" in p]

    rows, side = len(scenes.inputs), 1.05  # inches of a picture
    figure, axes = canvas(side * len(columns), side * rows + 0.6, rows=rows, columns=len(columns), squeeze=False)
    for column, (title, pictures, look) in zip(axes.T, columns, strict=True):
        column[0].set_title(title, fontsize=8, color=INK)
        for panel, image in zip(column, pictures.cpu().numpy(), strict=True):
            panel.imshow(image, interpolation="nearest", **look)
            panel.axis("off")
    names = ("background", *CLASSES)
    marks = [axes[0, 0].plot([], [], "s", color=SOLIDS(place), label=name)[0] for place, name in enumerate(names)]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(names), fontsize=7)
    return figure
