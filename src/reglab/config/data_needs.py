"""What entries need of the data: images, so many examples and classes."""

import math
from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from reglab.core.plain import entry_name
from reglab.data.patches import hidden_count, patch_grid
from reglab.data.splits import STRUCTURED


def problems(settings, inputs: np.ndarray, labels: np.ndarray, pool: int) -> list[str]:
    """A line for each section with entries that the data cannot serve; `settings` are the `Params`.

    `pool`: the fewest examples that are in neither validation nor test, of all seeds; 0 where that is not known.
    """
    lines = image_problems(settings, inputs) if inputs.ndim != 4 else []
    lines += few_label_problems(settings, inputs, labels, pool)
    return lines


def few_label_problems(settings, inputs: np.ndarray, labels: np.ndarray, pool: int) -> list[str]:
    """A line for what asks for more examples, classes or patches than there are."""
    lines = []
    for name, method in settings.semi_supervised.items():
        if method.classical and (count := getattr(method, "n_neighbors", 0)) > pool > 0:
            lines.append(
                f"params.yaml: semi_supervised.{name}.n_neighbors: found {count}; allowed: at most {pool}, the examples of "
                f"{settings.data.name} beside validation_size and test_size"
            )
    classes = int(labels.max()) + 1
    for name, pretext in settings.pretraining.items():
        if inputs.ndim == 4:
            lines += masking_problems(name, pretext, inputs.shape[2:])
        elif inputs.ndim == 2:
            lines += feature_problems(name, pretext, inputs.shape[1])
        if (taught := getattr(pretext, "classes", 0)) > classes:
            lines.append(
                f"params.yaml: pretraining.{name}.classes: found {taught}; allowed: at most {classes}, as the data has"
            )
    return lines


def masking_problems(name: str, pretext, size: tuple[int, ...]) -> list[str]:
    """A line where a pretext that hides patches would hide none of them, or all, in images of this size."""
    patch, ratio = getattr(pretext, "patch_size", None), getattr(pretext, "mask_ratio", None)
    if patch is None or ratio is None:
        return []
    images = f"images of {size[0]} x {size[1]} pixels"
    count = math.prod(patch_grid(size, patch))
    if count < 2:
        return [
            f"params.yaml: pretraining.{name}.patch_size: found {patch}; allowed: at most {max(size) - 1}, for {images} must "
            "be cut into two patches or more, some to hide and some to see"
        ]
    if 0 < (hidden := hidden_count(size, patch, ratio)) < count:
        return []
    least, most = 0.5 / count, 1 - 0.5 / count
    return [
        f"params.yaml: pretraining.{name}.mask_ratio: found {ratio:g}, which hides {'all' if hidden else 'none'} of the "
        f"{count} patches of {images}; allowed: more than {least:.3g} and less than {most:.3g}, or a smaller patch_size"
    ]


def feature_problems(name: str, pretext, features: int) -> list[str]:
    """A line where a pretext that hides features would hide none of them, or all, in rows of so many."""
    ratio = getattr(pretext, "mask_ratio", None)
    if ratio is None or 0 < round(ratio * features) < features:
        return []
    hidden = "all" if round(ratio * features) else "none"
    return [
        f"params.yaml: pretraining.{name}.mask_ratio: found {ratio:g}, which hides {hidden} of {features} features; "
        "allowed: a share that hides some and leaves some"
    ]


def image_problems(settings, inputs: np.ndarray) -> list[str]:
    """What cannot be done with a table, section by section, and what to take out for it."""
    shape = " x ".join(map(str, inputs.shape[1:]))
    found, wanted = f"on examples of {shape} numbers", "images (channels x height x width)"
    pretexts = [name for name, pretext in settings.pretraining.items() if "images" in pretext.needs]
    taken_out = {
        "augmentation.study": image_strengths(settings.augmentation.get("study")),
        "pretraining": pretexts,
        "transfer": [name for name, entry in settings.transfer.items() if entry.start in pretexts],
    }
    for place, names in needing(settings, "images"):
        taken_out[place] = [names]
    lines = [
        f"params.yaml: {place}: found {', '.join(names)} {found}; allowed: {wanted}; take them out"
        for place, names in taken_out.items()
        if names
    ]
    few = settings.pretraining or settings.transfer or settings.semi_supervised
    for place, model in (("model", settings.model), ("few_labels.model", few and settings.few_labels.model)):
        if model and "images" in model.needs:
            lines.append(
                f"params.yaml: {place}.name: found {entry_name(model)} {found}; allowed: {wanted}, or another model"
            )
    return lines


def image_strengths(policy) -> list[str]:
    """The strengths of a policy that change what only images have."""
    if policy is None:
        return []
    values = {field.name: getattr(policy, field.name) for field in fields(policy)}
    return [name for name, value in values.items() if value and name not in (*policy.of_any_shape, "padding_mode")]


def needing(settings, what: str) -> Iterator[tuple[str, str]]:
    """The section or entry, and the techniques there that need `what`."""
    single = [name for name, technique in settings.regularizers.items() if what in technique.needs]
    if single:
        yield "regularizers", ", ".join(single)
    for name, steps in {**settings.combinations, "": settings.few_labels.regularizers}.items():
        stacked = [entry_name(technique) for technique in steps if what in technique.needs]
        if stacked:
            yield f"combinations.{name}" if name else "few_labels.regularizers", ", ".join(stacked)
    for name, cocktail in settings.cocktails.items():
        mixed = [each for each in cocktail.ingredients if what in settings.regularizers[each].needs]
        if mixed:
            yield f"cocktails.{name}", ", ".join(mixed)


def idle(settings, shape: tuple[int, ...]) -> list[str]:
    """Warnings of settings that are allowed and change nothing, for inputs of this shape."""
    training, lines = settings.training, []
    if training.momentum and training.optimizer == "adam":
        lines.append(f"params.yaml: training.momentum: {training.momentum:g} has no effect with adam, only with sgd")
    if training.batch_size > settings.data.train_size:
        lines.append(
            f"params.yaml: training.batch_size: {training.batch_size} is more than data.train_size, "
            f"{settings.data.train_size}: every epoch is one step on all of them"
        )
    contrastive = [name for name, pretext in settings.pretraining.items() if hasattr(pretext, "temperature")]
    policy = settings.augmentation.get("study")
    if contrastive and policy == type(policy)():
        lines.append(
            f"params.yaml: augmentation.study: changes nothing, so that {', '.join(contrastive)} sees the same input twice"
        )
    if getattr(settings.model, "residual", False) and settings.model.depth == 1:
        lines.append("params.yaml: model.residual: has no effect with depth 1: shortcuts begin at the second layer")
    if settings.data.split in STRUCTURED and not settings.random_split.recipes:
        lines.append(
            f"params.yaml: data.split: {settings.data.split} without random_split.recipes: the report will not say what a "
            "random split would have claimed; name none there"
        )
    units = smallest_layer(settings.model, shape)
    for place, technique in techniques(settings):
        active = getattr(technique, "active_units", 0)
        if units and active >= units:
            lines.append(
                f"params.yaml: {place}.active_units: {active} keeps all of the {units} units of a hidden layer"
            )
    return lines


def techniques(settings) -> Iterator[tuple[str, object]]:
    for name, technique in settings.regularizers.items():
        yield f"regularizers.{name}", technique
    for name, steps in settings.combinations.items():
        for number, technique in enumerate(steps):
            yield f"combinations.{name}[{number}].{entry_name(technique)}", technique


def smallest_layer(model, shape: tuple[int, ...]) -> int | None:
    """The outputs of the smallest hidden layer, None where that is not known; a convolution halves the image."""
    if entry_name(model) == "mlp":
        return model.width
    if entry_name(model) == "convnet" and len(shape) == 3:
        return min(
            model.width * 2**layer * math.prod(-(-side // 2 ** (layer + 1)) for side in shape[1:])
            for layer in range(model.depth)
        )
    return None
