"""Draws robust accuracy against epsilon for every recipe, and one example before and after an attack."""

from typing import NamedTuple

import numpy as np

from reglab.core.figures import COLORS, INK, canvas, svg

NAMED = 5  # recipes with a colour and a name besides `none`: the most robust ones


class Panda(NamedTuple):
    """An example, the step that was added, and their sum (height, width, channels); class and confidence of both ends."""

    image: np.ndarray
    direction: np.ndarray
    moved: np.ndarray
    before: tuple[int, float]
    after: tuple[int, float]


def leaders(models: dict[str, dict]) -> list[str]:
    """The recipes with the highest robust accuracy that can be believed; of equals the one with the higher clean one."""
    trusted = [name for name, model in models.items() if name != "none" and not model["unreliable"]]
    return sorted(trusted, key=lambda name: (-models[name]["curves"]["strong"], -models[name]["clean"]))[:NAMED]


def figure(
    norm: str,
    epsilons: tuple[float, ...],
    curves: dict[str, list[list[float]]],
    models: dict[str, dict],
    panda: Panda | None,
) -> str:
    """The curves under projected gradients, with the strong attack as points at the last epsilon, and the picture; SVG.

    `curves[recipe][seed]` are accuracies by epsilon; the line is the mean and its band the range over seeds. `models` is
    as in the record.
    """
    if panda:
        drawing, axes = canvas(9.6, 2.9, columns=4, gridspec_kw={"width_ratios": (1, 1, 1, 2.9)})
        pictures(axes, panda, norm, epsilons[-1])
        panel = axes[-1]
    else:
        drawing, panel = canvas(6.4, 2.9)
    places, chosen = [0.0, *epsilons], leaders(models)
    drawn = {name: {"color": INK, "alpha": 0.3, "linewidth": 0.7} for name in models if name not in chosen}
    drawn |= {name: {"color": color, "label": name} for name, color in zip(chosen, COLORS, strict=False)}
    if "none" in models:
        drawn["none"] = {"color": INK, "linewidth": 2.0, "label": "none"}
    for name, look in drawn.items():
        start = models[name]["clean"]
        values = 100 * np.array([[start, *seed] for seed in curves[name]])
        panel.plot(places, values.mean(0), **look)
        if "label" in look:
            panel.fill_between(places, values.min(0), values.max(0), color=look["color"], alpha=0.15, linewidth=0)
            panel.plot(epsilons[-1], 100 * models[name]["curves"]["strong"], "o", color=look["color"], markersize=4)
    if len(drawn) > len(chosen) + ("none" in models):
        panel.plot([], [], color=INK, alpha=0.3, linewidth=0.7, label="the others")
    panel.set(ylim=(0, 100), xlim=(0, None), ylabel="accuracy (%)")
    panel.set_xlabel(
        f"epsilon ({'largest change of an input' if norm == 'linf' else 'Euclidean length of the change'})"
    )
    panel.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return svg(drawing)


def pictures(axes, panda: Panda, norm: str, epsilon: float) -> None:
    """Draw the image, the step that is added to it, and their sum, each with the model's prediction."""
    step = "sign of\nthe gradient" if norm == "linf" else "gradient,\nof length 1"
    size = np.abs(panda.direction).max() or 1.0
    shown = (
        (panda.image, prediction(*panda.before)),
        (0.5 + panda.direction / (2 * size), f"+ {epsilon:g} × {step}"),
        (panda.moved, f"= {prediction(*panda.after)}"),
    )
    for panel, (image, title) in zip(axes, shown, strict=False):
        panel.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=1)
        panel.set_title(title, fontsize=9)
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set_visible(True)


def prediction(label: int, confidence: float) -> str:
    return f"“{label}”, {100 * confidence:.1f} %"
