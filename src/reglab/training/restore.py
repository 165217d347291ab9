"""Restores the evaluated network of a published record."""

from pathlib import Path

from safetensors.torch import load_file
from torch.nn import Module

from reglab.data.prepared import Split
from reglab.training.one_seed import Recipe, learner_of


def recipe_network(recipe: Recipe, folder: Path, split: Split, seed: int) -> Module:
    """The evaluated network of a recipe with its published weights, in evaluation mode."""
    learner = learner_of(recipe, split, seed)
    learner.network.load_state_dict(load_file(folder / "weights" / f"seed-{seed}.safetensors"))
    return learner.eval_network().eval()


def empty_network(recipe: Recipe, split: Split, seed: int) -> Module:
    """The evaluated network of a recipe, before its published weights are loaded."""
    return learner_of(recipe, split, seed).eval_network().eval()
