"""Predicts examples that the study never saw, with the networks that a recipe has published."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from reglab.core.errors import UserError
from reglab.core.registry import class_at, find
from reglab.data.inputs import Inputs
from reglab.data.prepared import Prepared, Split
from reglab.data.preprocessing.ready import ReadyInputs
from reglab.evaluation.paired_values import diverged_seeds
from reglab.tracking import record
from reglab.training.one_seed import Recipe
from reglab.training.restore import recipe_network
from reglab.training.settings import Training


@torch.no_grad()
def predict(
    folder: Path, data: Prepared, inputs: Inputs | np.ndarray, seeds: Sequence[int] | None = None
) -> np.ndarray:
    """Class probabilities (n, classes): the mean over the networks of these seeds of the record in `folder`, or of all.

    Each network gets the inputs as the preprocessor that was fitted for its seed prepares them. UserError where a seed
    diverged or is not there.
    """
    inputs = ReadyInputs(inputs) if isinstance(inputs, np.ndarray) else inputs
    content = finished_record(folder)
    trained, recipe = [int(seed) for seed in content["seeds"]], recipe_of(content, data.classes)
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


def finished_record(folder: Path) -> dict:
    """The content of a record; UserError where there is none, or where one of its seeds diverged."""
    if not (folder / "record.json").exists():
        raise UserError(f"{folder}: found no record of this recipe; run the study first: make repro")
    content = record.read(folder)
    if diverged := diverged_seeds(content):
        allowed = "a recipe of which all seeds finished"
        raise UserError(f"{folder}/record.json: seed {diverged[0]} diverged; allowed: {allowed}")
    return content


def recipe_of(content: dict, classes: int) -> Recipe:
    """The recipe of a record, from the settings that it was trained with; params.yaml may have changed since."""
    settings = content["settings"]
    techniques = [find("regularizers", name)(**settings[name]) for name in content["technique"]]
    model = dict(settings["model"])
    name = model.pop("name")
    if "." in name and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    architecture = class_at(name) if "." in name else find("models", name)
    return Recipe(tuple(techniques), architecture(**model), Training(**settings["training"]), classes)


def write_predictions(path: Path, probabilities: np.ndarray, class_names: Sequence[str]) -> None:
    """Write a csv with a line an example: the class of highest probability, and the probability of each class."""
    names = list(class_names) or [str(number) for number in range(probabilities.shape[1])]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["prediction", *(f"probability_{name}" for name in names)])
        for row in probabilities:
            writer.writerow([names[int(row.argmax())], *(f"{value:.6g}" for value in row)])
