"""Rebuilds the network of a published record from the settings in it; params.yaml may have changed since."""

import sys
from pathlib import Path

from torch.nn import Module

from reglab.core.registry import class_at, find
from reglab.data.prepared import Split
from reglab.experiments.ensembles.ensemble_network import ensemble_network
from reglab.experiments.tuning.settings import STUDIES
from reglab.training.one_seed import Recipe
from reglab.training.restore import recipe_network
from reglab.training.settings import Training


def published_network(content: dict, folder: Path, split: Split, seed: int) -> Module:
    """The evaluated network of a seed, of a recipe or an ensemble, whose record in `folder` has this content.

    Of the split the shape of its inputs and its task count.
    """
    if content["family"] != "ensembles":
        return recipe_network(recipe_of(content), folder, split, seed)
    ensemble = find("ensembles", content["name"])(**content["settings"][content["name"]])
    chosen = [recipe(content, {name: settings}) for name, settings in content.get("chosen_settings", {}).items()]
    return ensemble_network(ensemble, ensemble.member_recipe(recipe(content, {})), chosen, folder, split, seed)


def recipe_of(content: dict) -> Recipe:
    """The recipe of a record, from the settings that it was trained with; of a tuned one, from those that were chosen."""
    settings = content["settings"]
    if content["family"] in STUDIES:
        chosen = content["chosen"]["settings"]
        settings = settings | {section: settings[section] | of_section for section, of_section in chosen.items()}
    return recipe({"settings": settings}, {name: settings[name] for name in content["technique"]})


def recipe(content: dict, techniques: dict[str, dict]) -> Recipe:
    """These techniques with the network and the training of a record."""
    settings = content["settings"]
    model = dict(settings["model"])
    name = model.pop("name")
    if "." in name:
        find_own_modules()
    architecture = class_at(name) if "." in name else find("models", name)
    applied = tuple(find("regularizers", each)(**of_technique) for each, of_technique in techniques.items())
    training = settings["training"] | {"trainer": None}  # a trained network is evaluated in one process
    return Recipe(applied, architecture(**model), Training(**training))


def find_own_modules() -> None:
    """Let Python find the modules of a user beside params.yaml, in the working directory."""
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
