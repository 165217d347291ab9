"""From a published record back to the network that it evaluated, ready to predict again."""

from pathlib import Path

from safetensors.torch import load_file
from torch.nn import Module

from reglab.data.prepared import Split
from reglab.training.one_seed import Recipe, learner_of


def recipe_network(recipe: Recipe, folder: Path, split: Split, seed: int) -> Module:
    """The network of a recipe that validation and test saw, in evaluation mode, from its published weights."""
    learner = learner_of(recipe, split.inputs["test"].shape[1:], seed)
    learner.network.load_state_dict(load_file(folder / "weights" / f"seed-{seed}.safetensors"))
    return learner.eval_network().eval()


def blank(recipe: Recipe, split: Split, seed: int) -> Module:
    """The network of a recipe that is evaluated, before it has its weights."""
    return learner_of(recipe, split.inputs["test"].shape[1:], seed).eval_network().eval()
