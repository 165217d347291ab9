"""From a published record back to the network that it evaluated, ready to predict again."""

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
    return learner.eval_network().eval()


def ensemble_network(
    ensemble: Ensemble, member: Recipe, chosen: Sequence[Recipe], folder: Path, split: Split, seed: int
) -> Committee:
    """An ensemble from its published weights; the recipes are as in `untrained`."""
    committee = untrained(ensemble, member, chosen, split, seed)
    committee.load_state_dict(load_file(folder / "weights" / f"seed-{seed}.safetensors"))
    return committee


def untrained(ensemble: Ensemble, member: Recipe, chosen: Sequence[Recipe], split: Split, seed: int) -> Committee:
    """The ensemble of a seed before it has its weights.

    `member` is the recipe of every member, unless the ensemble gathers those of the recipes `chosen`.
    """
    if ensemble.gathers:
        networks = [blank(recipe, split, seed) for recipe in chosen]
    else:
        networks = [blank(member, split, stream(seed, number)) for number in range(ensemble.networks)]
    right = np.zeros((len(networks), len(split.labels["labelled"])), dtype=bool)
    return ensemble.committee(networks, right, member.classes).eval()


def blank(recipe: Recipe, split: Split, seed: int) -> Module:
    """The network of a recipe that is evaluated, before it has its weights."""
    return learner_of(recipe, split.inputs["test"].shape[1:], seed).eval_network().eval()
