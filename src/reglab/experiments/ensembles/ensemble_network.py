"""Rebuilds the network of an ensemble from its published record."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from reglab.data.prepared import Split
from reglab.experiments.ensembles.base import Committee, Ensemble, stream
from reglab.training.one_seed import Recipe
from reglab.training.restore import empty_network


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
        networks = [empty_network(recipe, split, seed) for recipe in chosen]
    else:
        networks = [
            empty_network(member, ensemble.member_split(split, number), stream(seed, number))
            for number in range(ensemble.networks)
        ]
    nowhere_wrong = np.zeros((len(networks), 2), dtype=bool)  # of two examples: with one, boosting would be at chance
    return ensemble.committee(networks, nowhere_wrong, split.task).eval()
