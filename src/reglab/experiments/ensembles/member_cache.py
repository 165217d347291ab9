"""The members of an ensemble that are trained, each once, and the cache in which they lie.

A trained member is cached under `.reglab/members/` in the main checkout, in a folder named by everything that determines
it: the recipe, the data, the code, the seed, and the examples it trains on. So raising `members` from 8 to 16 trains 8
more, and a training that was killed continues. The cache may be deleted at any time.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from pathlib import Path

import numpy as np
import torch

from reglab.core import plain
from reglab.data.prepared import Split
from reglab.experiments.ensembles.base import Ensemble, stream
from reglab.tracking import checkout, journal, record
from reglab.tracking.record import About
from reglab.training.network import Network
from reglab.training.one_seed import Recipe, finished_seed, is_finished, train_seed
from reglab.training.restore import empty_network


def member_cache_dir(about: About, member: Recipe, context: dict | None = None) -> Path:
    """The cache of members of this recipe, trained by this code; it does not depend on the ensemble's size or rule."""
    members = About("members", about.name, [], about.dataset, plain.settings(member), [])
    place = journal.place(checkout.root(), members, journal.code_of(context))
    return checkout.root() / ".reglab" / "members" / place.name


def train_alone(ensemble: Ensemble, recipe: Recipe, split: Split, seed: int, member: int, cache: Path) -> None:
    """Train a member that needs no others, and leave it in the cache."""
    train_member(recipe, split, rows_alone(ensemble, split, seed, member), seed, member, cache)


def is_trained(ensemble: Ensemble, recipe: Recipe, split: Split, seed: int, member: int, cache: Path) -> bool:
    """Whether the cache has a member that needs no others."""
    return is_member(member_folder(rows_alone(ensemble, split, seed, member), seed, member, cache), seed, member)


def is_member(folder: Path, seed: int, member: int) -> bool:
    """Whether the folder has the member."""
    return is_finished(folder, stream(seed, member))


def rows_alone(ensemble: Ensemble, split: Split, seed: int, member: int) -> np.ndarray:
    """The labelled examples on which a member that needs no others trains."""
    known, given = split.labels["labelled"], weights_for(ensemble.sample, split)
    return ensemble.sample(known, split.task, seed, member, no_previous_errors(split), **given)


def weights_for(method: Callable, split: Split) -> dict[str, np.ndarray]:
    """The argument `weights` of a method, where it has one and the examples have some."""
    return {} if split.weights is None or "weights" not in signature(method).parameters else {"weights": split.weights}


def no_previous_errors(split: Split) -> np.ndarray:
    """`wrong` when there is no earlier member."""
    return np.zeros((0, len(split.labels["labelled"])), dtype=bool)


def train_member(recipe: Recipe, split: Split, rows: np.ndarray, seed: int, member: int, cache: Path) -> Path:
    """Train a member on the labelled examples at `rows`, unless the cache has it; the folder in which it lies."""
    folder = member_folder(rows, seed, member, cache)
    folder.mkdir(exist_ok=True)
    with checkout.locked(cache / f".{folder.name}.lock", f"member {member} of seed {seed}"):
        train_seed(recipe, with_labelled_rows(split, rows), stream(seed, member), folder, log_every_epoch=False)
    return folder


def member_folder(rows: np.ndarray, seed: int, member: int, cache: Path) -> Path:
    """The folder in the cache of a member that trains on these examples."""
    key = hashlib.blake2b(rows.astype(np.int64).tobytes(), digest_size=8).hexdigest()
    return cache / f"{seed}-{member}-{key}"


def trained_member(recipe: Recipe, split: Split, seed: int, folder: Path) -> tuple[dict, Network]:
    """The outcome and the network of the member in the folder; `seed` is that of its random numbers."""
    outcome, tensors = finished_seed(folder, seed)
    network = empty_network(recipe, split, seed)
    weights = record.starting_with("weights/", tensors)
    network.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
    return outcome, network


def with_labelled_rows(split: Split, rows: np.ndarray) -> Split:
    """The split with only the labelled examples at `rows`, which may repeat."""
    inputs, labels, numbers = (
        part | {"labelled": part["labelled"].take(rows, axis=0)} for part in (split.inputs, split.labels, split.rows)
    )
    true_labels = None if split.true_labels is None else split.true_labels[rows]
    weights = None if split.weights is None else split.weights[rows]
    return replace(split, inputs=inputs, labels=labels, rows=numbers, true_labels=true_labels, weights=weights)
