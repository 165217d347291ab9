"""How the trained networks of a family that can be attacked are rebuilt from their records."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor
from torch.nn import Module

from reglab.core.tasks import Regression
from reglab.data.prepared import Split
from reglab.data.target_kind import scale_of
from reglab.experiments.ensembles.ensemble_network import ensemble_network
from reglab.experiments.few_labels.labelled import spread_over_amounts
from reglab.tracking import record
from reglab.training.one_seed import Recipe
from reglab.training.restore import recipe_network

Rebuild = Callable[[Path, Split, int], Module]  # folder of the record, split, seed -> the network that was evaluated


def trained_networks(settings, family: str) -> dict[str, Rebuild]:
    """By name the networks of the family's entries; `settings` are the `Params`.

    Of `transfer` those that tell all classes apart, for only they can be compared; nothing that is not applicable.
    """
    entries = {
        name: entry
        for name, entry in getattr(settings, family).items()
        if "not_applicable" not in record.read(Path("runs") / family / name)
    }

    def recipe(*regularizers) -> Recipe:
        return Recipe(regularizers, settings.model, settings.training)

    if family == "transfer":
        few = settings.few_labels
        tuned, most = Recipe(few.regularizers, few.model, settings.training), max(few.labels_per_class)
        whole = [name for name, entry in entries.items() if entry.classes is None]
        return {name: partial(few_labels_network, tuned, most) for name in whole}
    if family == "ensembles":
        networks = {}
        for name, ensemble in entries.items():
            chosen = record.read(Path("runs/ensembles") / name)["chosen"]
            members = [recipe(settings.regularizers[each]) for each in chosen]
            networks[name] = partial(ensemble_network, ensemble, ensemble.member_recipe(recipe()), members)
        return networks
    return {name: partial(recipe_network, recipe(*settings.recipe(name)[1])) for name in entries}


class Rescaled(Module):
    """The outputs of a network of amounts in the scale of another task: the same predictions."""

    def __init__(self, network: Module, learned: Regression, task: Regression) -> None:
        super().__init__()
        self.network, self.learned, self.task = network, learned, task

    def forward(self, inputs: Tensor) -> Tensor:
        return self.task.outputs_of(self.learned.predictions(self.network(inputs)))


def few_labels_network(recipe: Recipe, number: int, folder: Path, split: Split, seed: int) -> Module:
    """The network of an entry of `transfer`; one of amounts learned in the scale of the `number` labels that it knew."""
    network = recipe_network(recipe, folder, split, seed)
    if split.task.name != "regression":
        return network
    right = split.labels["labelled"] if split.true_labels is None else split.true_labels
    known = right[np.sort(spread_over_amounts(right)[:number])]
    return Rescaled(network, Regression(*scale_of(known)), split.task).eval()
