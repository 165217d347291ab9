"""Predicts examples that the study never saw, with the networks that a recipe has published."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from reglab.core.errors import UserError
from reglab.data.inputs import Inputs
from reglab.data.prepared import Prepared, Split
from reglab.data.preprocessing.ready import ReadyInputs
from reglab.evaluation.paired_values import diverged_seeds
from reglab.tracking import record
from reglab.training.one_seed import Recipe
from reglab.training.restore import recipe_network


@torch.no_grad()
def predict(
    recipe: Recipe, folder: Path, data: Prepared, inputs: Inputs | np.ndarray, seeds: Sequence[int] | None = None
) -> np.ndarray:
    """Class probabilities (n, classes): the mean over the networks of these seeds of the record in `folder`, or of all.

    Each network gets the inputs as the preprocessor that was fitted for its seed prepares them. UserError where a seed
    diverged or is not there.
    """
    inputs = ReadyInputs(inputs) if isinstance(inputs, np.ndarray) else inputs
    trained = known_seeds(folder)
    if strange := sorted(set(seeds or trained) - set(trained)):
        raise UserError(f"--seed: found {strange[0]}; allowed: a seed from {trained[0]} to {trained[-1]}")
    probabilities = [
        of_seed(recipe, folder, data, inputs, seed).softmax(1).double().numpy() for seed in (seeds or trained)
    ]
    return np.mean(probabilities, axis=0)


def of_seed(recipe: Recipe, folder: Path, data: Prepared, inputs: Inputs, seed: int) -> torch.Tensor:
    """The scores (n, classes) of one seed's network."""
    fitted = folder / "preprocessing" / f"seed-{seed}.safetensors"
    preprocessor = data.inputs.preprocessor(load_file(fitted) if fitted.exists() else {})
    prepared = preprocessor.transform(inputs)
    network = recipe_network(recipe, folder, Split({"labelled": prepared}, {}, {}, bounds=data.bounds), seed)
    return network(torch.as_tensor(prepared))


def known_seeds(folder: Path) -> list[int]:
    """The seeds of a record; UserError where there is no record, or a seed of it diverged."""
    if not (folder / "record.json").exists():
        raise UserError(f"{folder}: found no record of this recipe; run the study first: make repro")
    trained = record.read(folder)
    if diverged := diverged_seeds(trained):
        raise UserError(
            f"{folder}/record.json: seed {diverged[0]} diverged; allowed: a recipe of which all seeds finished"
        )
    return [int(seed) for seed in trained["seeds"]]


def write_predictions(path: Path, probabilities: np.ndarray, class_names: Sequence[str]) -> None:
    """Write a csv with a line an example: the class of highest probability, and the probability of each class."""
    names = list(class_names) or [str(number) for number in range(probabilities.shape[1])]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["prediction", *(f"probability_{name}" for name in names)])
        for row in probabilities:
            writer.writerow([names[int(row.argmax())], *(f"{value:.6g}" for value in row)])
