"""How the trained networks of a family that can be attacked are rebuilt from their records."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch.nn import Module

from reglab.data.prepared import Split
from reglab.experiments.ensembles.ensemble_network import ensemble_network
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
        tuned = Recipe(few.regularizers, few.model, settings.training)
        whole = [name for name, entry in entries.items() if entry.classes is None]
        return {name: partial(recipe_network, tuned) for name in whole}
    if family == "ensembles":
        networks = {}
        for name, ensemble in entries.items():
            chosen = record.read(Path("runs/ensembles") / name)["chosen"]
            members = [recipe(settings.regularizers[each]) for each in chosen]
            networks[name] = partial(ensemble_network, ensemble, ensemble.member_recipe(recipe()), members)
        return networks
    return {name: partial(recipe_network, recipe(*settings.recipe(name)[1])) for name in entries}
