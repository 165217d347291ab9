"""The members of the ensemble of a seed, one after another, as they come out of the cache or are trained into it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from reglab.data.loader import tensor_of
from reglab.data.prepared import Split
from reglab.experiments.ensembles.base import Ensemble, stream
from reglab.experiments.ensembles.member_cache import (
    is_member,
    member_folder,
    no_previous_errors,
    train_member,
    trained_member,
    weights_for,
)
from reglab.training.network import Network
from reglab.training.one_seed import Recipe
from reglab.training.passes import outputs_on


class Members(NamedTuple):
    """The networks of a seed, which of them is wrong on which labelled example, the epochs of each, and "" or what failed."""

    networks: list[Network]
    wrong: np.ndarray
    epochs: list[int]
    failure: str


def train_in_order(ensemble: Ensemble, recipe: Recipe, split: Split, seed: int, cache: Path) -> None:
    """Train the members of a seed, of which each needs the ones before it, and leave them in the cache."""
    members_of(ensemble, recipe, split, seed, cache)


def are_trained(ensemble: Ensemble, recipe: Recipe, split: Split, seed: int, cache: Path) -> bool:
    """Whether the cache has all members of a seed, of which each needs the ones before it."""
    return members_of(ensemble, recipe, split, seed, cache, train=False) is not None


def members_of(
    ensemble: Ensemble, recipe: Recipe, split: Split, seed: int, cache: Path, *, train: bool = True
) -> Members | None:
    """The members of a seed up to the first that diverged; those that the cache lacks are trained, or there is None."""
    inputs, labels = tensor_of(split.inputs["labelled"]), split.labels["labelled"]
    networks, wrong, epochs = [], no_previous_errors(split), []
    for member in range(ensemble.networks):
        rows = ensemble.sample(labels, split.task, seed, member, wrong, **weights_for(ensemble.sample, split))
        if not train and not is_member(member_folder(rows, seed, member, cache), seed, member):
            return None
        given = ensemble.member_split(split, member, networks)
        folder = train_member(recipe, given, rows, seed, member, cache)
        outcome, network = trained_member(recipe, given, stream(seed, member), folder)
        epochs.append(outcome["epochs"])
        if outcome["status"] != "finished":
            return Members(networks, wrong, epochs, f"member {member}: {outcome['reason']}")
        networks.append(network)
        if split.task.name == "classification":
            with torch.no_grad():
                chosen = outputs_on(network, inputs).argmax(1).numpy()
                wrong = np.concatenate([wrong, chosen[None] != labels])
    return Members(networks, wrong, epochs, "")
