"""What entries need of the data: images, so many examples and classes."""

import math
from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from reglab.config.pretext_checks import extremes
from reglab.core.plain import entry_name
from reglab.data.patches import hidden_count, patch_grid
from reglab.data.splits import STRUCTURED
from reglab.experiments.applicability import Facts, not_applicable


def problems(settings, facts: Facts, labels: np.ndarray, pool: int) -> list[str]:
    """A line for each section that the data cannot serve; `settings` are the `Params` without what is not applicable.

    `labels` are the `strata` of the targets. `pool`: the fewest examples that are in neither validation nor test, of
    all seeds; 0 where that is not known.
    """
    lines = shared_problems(settings, facts) + few_label_problems(settings, facts.shape, labels, pool)
    return lines + attack_problems(settings.attacks, settings.data)


def attack_problems(attacks: dict, data) -> list[str]:
    """A line for each attack on more test examples than the test part has."""
    return [
        f"params.yaml: attacks.{family}.examples: found {attack.examples}; allowed: at most {data.test_size}, "
        "the data.test_size"
        for family, attack in attacks.items()
        if attack.examples > data.test_size
    ]


def few_label_problems(settings, shape: tuple[int, ...], labels: np.ndarray, pool: int) -> list[str]:
    """A line for what asks for more examples, classes or patches than there are."""
    lines = []
    graphs = {f"semi_supervised.{name}": each for name, each in settings.semi_supervised.items() if each.classical}
    graphs |= {f"transfer.{name}.label_propagation": each.label_propagation for name, each in settings.transfer.items()}
    for place, graph in graphs.items():
        if (count := getattr(graph, "n_neighbors", 0)) > pool > 0:
            lines.append(
                f"params.yaml: {place}.n_neighbors: found {count}; allowed: at most {pool}, the examples of "
                f"{settings.data.name} beside validation_size and test_size"
            )
    classes = int(labels.max()) + 1
    for name, pretext in settings.pretraining.items():
        check, size = (masking_problems, shape[1:]) if len(shape) == 3 else (feature_problems, shape[0])
        found = [check(name, each, size) for each in extremes(pretext)] if len(shape) in (1, 3) else []
        lines += next(filter(None, found), [])
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


def shared_problems(settings, facts: Facts) -> list[str]:
    """What all entries share and the data cannot serve: the networks, the strengths of a policy, techniques of few labels.

    An entry of its own that needs what there is not is not applicable instead.
    """
    lines, few = [], settings.few_labels
    needs_few = settings.pretraining or settings.transfer or settings.semi_supervised
    found, wanted = f"on examples of {numbers(facts.shape)}", "images (channels x height x width)"
    if len(facts.shape) != 3:
        if strengths := image_strengths(settings.augmentation.get("study")):
            names = ", ".join(strengths)
            lines.append(f"params.yaml: augmentation.study: found {names} {found}; allowed: {wanted}; take them out")
        for place, model in (("model", settings.model), ("few_labels.model", needs_few and few.model)):
            if model and "images" in model.needs:
                lines.append(
                    f"params.yaml: {place}.name: found {entry_name(model)} {found}; allowed: {wanted}, or another model"
                )
    for number, technique in enumerate(few.regularizers if needs_few else ()):
        if why := not_applicable(technique.needs, facts, few.model):
            name = entry_name(technique)
            lines.append(
                f"params.yaml: few_labels.regularizers[{number}]: found {name}, which {why}; allowed: techniques that "
                "every entry with few labels can train with"
            )
    return lines


def numbers(shape: tuple[int, ...]) -> str:
    return f"{' x '.join(map(str, shape))} numbers"


def image_strengths(policy) -> list[str]:
    """The strengths of a policy that change what only images have."""
    if policy is None:
        return []
    values = {field.name: getattr(policy, field.name) for field in fields(policy)}
    return [name for name, value in values.items() if value and name not in (*policy.of_any_shape, "padding_mode")]


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
