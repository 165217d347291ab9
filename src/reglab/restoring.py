"""From a published record back to the network that it judged, ready to be asked again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from torch.nn import Module

from reglab.data.prepared import Split
from reglab.ensembles.base import Committee, Ensemble, stream
from reglab.fitting import Recipe, learner_of


def recipe_network(recipe: Recipe, folder: Path, split: Split, seed: int) -> Module:
    """The network of a recipe that validation and test saw, in evaluation mode, from its published weights."""
    learner = learner_of(recipe, split.inputs["test"].shape[1:], seed)
    learner.network.load_state_dict(load_file(folder / "weights" / f"seed-{seed}.safetensors"))
    return learner.judged().eval()


def ensemble_network(
    ensemble: Ensemble, own: Recipe, chosen: Sequence[Recipe], folder: Path, split: Split, seed: int
) -> Committee:
    """An ensemble from its published weights; the recipes are as in `untrained`."""
    committee = untrained(ensemble, own, chosen, split, seed)
    committee.load_state_dict(load_file(folder / "weights" / f"seed-{seed}.safetensors"))
    return committee


def untrained(ensemble: Ensemble, own: Recipe, chosen: Sequence[Recipe], split: Split, seed: int) -> Committee:
    """The ensemble of a seed before it has its weights.

    `own` is the recipe of every member, unless the ensemble gathers those of the recipes `chosen`.
    """
    if ensemble.gathers:
        networks = [blank(recipe, split, seed) for recipe in chosen]
    else:
        networks = [blank(own, split, stream(seed, member)) for member in range(ensemble.networks)]
    right = np.zeros((len(networks), len(split.labels["labelled"])), dtype=bool)
    return ensemble.committee(networks, right, own.classes).eval()


def blank(recipe: Recipe, split: Split, seed: int) -> Module:
    """The network of a recipe that is judged, before it has its weights."""
    return learner_of(recipe, split.inputs["test"].shape[1:], seed).judged().eval()
