"""Draws accuracy or rmse under attack against epsilon for every recipe, and one example before and after an attack."""

import numpy as np

from reglab.core.figures import COLORS, INK, canvas, svg
from reglab.experiments.robustness.panda import Panda

NAMED = 5  # recipes with a colour and a name besides `none`: the most robust ones


def leaders(models: dict[str, dict], metric: str = "accuracy") -> list[str]:
    """The recipes that are best under the strong attack, among those that can be believed; of equals the best without one."""
    sign = -1 if metric == "accuracy" else 1
    trusted = [name for name, model in models.items() if name != "none" and not model["unreliable"]]
    return sorted(trusted, key=lambda name: (sign * models[name]["curves"]["strong"], sign * models[name]["clean"]))[
        :NAMED
    ]


def figure(
    norm: str,
    epsilons: tuple[float, ...],
    curves: dict[str, list[list[float]]],
    models: dict[str, dict],
    panda: Panda | None,
    metric: str = "accuracy",
) -> str:
    """The curves under projected gradients, with the strong attack as points at the last epsilon, and the picture; SVG.

    `curves[recipe][seed]` are accuracies at epsilon 0 and at the `epsilons`, or values of the `metric` rmse; the line is the
    mean and its band the range over seeds. `models` is as in the record. There are no points for an rmse: a few large errors
    among the fewer examples of the strong attack would set them apart from the lines.
    """
    if panda:
        drawing, axes = canvas(9.6, 2.9, columns=4, gridspec_kw={"width_ratios": (1, 1, 1, 2.9)})
        pictures(axes, panda, norm, epsilons[-1])
        panel = axes[-1]
    else:
        drawing, panel = canvas(6.4, 2.9)
    places, chosen, scale = [0.0, *epsilons], leaders(models, metric), 100 if metric == "accuracy" else 1
    drawn = {name: {"color": INK, "alpha": 0.3, "linewidth": 0.7} for name in models if name not in chosen}
    drawn |= {name: {"color": color, "label": name} for name, color in zip(chosen, COLORS, strict=False)}
    if "none" in models:
        drawn["none"] = {"color": INK, "linewidth": 2.0, "label": "none"}
    for name, look in drawn.items():
        values = scale * np.array(curves[name])
        panel.plot(places, values.mean(0), **look)
        if "label" in look:
            panel.fill_between(places, values.min(0), values.max(0), color=look["color"], alpha=0.15, linewidth=0)
        if "label" in look and metric == "accuracy":
            panel.plot(epsilons[-1], scale * models[name]["curves"]["strong"], "o", color=look["color"], markersize=4)
    if len(drawn) > len(chosen) + ("none" in models):
        panel.plot([], [], color=INK, alpha=0.3, linewidth=0.7, label="the others")
    panel.set(xlim=(0, None), ylabel=f"{metric}, in the unit of the target")
    if metric == "accuracy":
        panel.set(ylim=(0, 100), ylabel="accuracy (%)")
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
        (panda.image, panda.before),
        (0.5 + panda.direction / (2 * size), f"+ {epsilon:g} × {step}"),
        (panda.moved, f"= {panda.after}"),
    )
    for panel, (image, title) in zip(axes, shown, strict=False):
        panel.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=1)
        panel.set_title(title, fontsize=9)
        panel.set(xticks=[], yticks=[])
        panel.grid(False)
        panel.spines[:].set_visible(True)
