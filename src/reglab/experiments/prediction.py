"""Predicts examples that the study never saw, with the networks that a recipe or an ensemble has published."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from safetensors.numpy import load_file

from reglab.core.errors import UserError
from reglab.core.study_command import repro_command
from reglab.data.inputs import Inputs
from reglab.data.loader import tensor_of
from reglab.data.prepared import Prepared, Split, fitted, prepared_by
from reglab.data.preprocessing.ready import ReadyInputs
from reglab.evaluation.choice import ranked
from reglab.evaluation.paired_values import diverged_seeds
from reglab.experiments.published_networks import published_network
from reglab.tracking import record
from reglab.training.all_seeds import TARGET_SCALE
from reglab.training.passes import outputs_on


class StudyData(Protocol):
    """What a prediction needs to know of the data of a study, as `Prepared` has it."""

    classes: int | None
    label_count: int | None
    bounds: tuple[float, float]


@torch.no_grad()
def predict(
    folder: Path, data: StudyData, inputs: Inputs | np.ndarray, seeds: Sequence[int] | None = None
) -> np.ndarray:
    """Probabilities of classes or labels (n, outputs), or amounts (n, 1): the mean over the networks of these seeds of the
    record in `folder`, or of all.

    Each network gets the inputs as the preprocessor that was fitted for its seed prepares them. UserError where a seed
    diverged or is not there.
    """
    inputs = ReadyInputs(inputs) if isinstance(inputs, np.ndarray) else inputs
    content = finished_record(folder)
    asked = seeds_of(content, seeds)
    return np.mean([of_seed(content, folder, data, inputs, seed) for seed in asked], axis=0)


def trained_on(data: Prepared, folder: Path, content: dict) -> None:
    """UserError where the record in `folder` is of other data."""
    if content["dataset"]["fingerprint"] != data.fingerprint:
        raise UserError(
            f"{folder}/record.json: found a recipe trained on other data than data/study; run: {repro_command(Path.cwd())}"
        )


def seeds_of(content: dict, seeds: Sequence[int] | None) -> Sequence[int]:
    """These seeds, or all of the record; UserError where it lacks one."""
    trained = [int(seed) for seed in content["seeds"]]
    if strange := sorted(set(seeds or trained) - set(trained)):
        raise UserError(f"--seed: found {strange[0]}; allowed: a seed from {trained[0]} to {trained[-1]}")
    return seeds or trained


def of_seed(content: dict, folder: Path, data: StudyData, inputs: Inputs, seed: int) -> np.ndarray:
    """The predictions (n, outputs) of one seed's network."""
    path = folder / "preprocessing" / f"seed-{seed}.safetensors"
    lacking = content["family"] == "ensembles" and len(content.get("chosen", [])) > len(
        content.get("chosen_settings", {})
    )
    if (fitted(inputs) and not path.exists()) or lacking:
        raise UserError(
            f"{folder}: found a record of an earlier version, which cannot predict; run again: {repro_command(Path.cwd())}"
        )
    tensors = load_file(path) if path.exists() else {}
    scale = {"target_scale": tuple(tensors.pop(TARGET_SCALE).tolist())} if TARGET_SCALE in tensors else {}
    prepared = prepared_by(inputs.preprocessor(tensors), inputs)
    kind = {"classes": data.classes, "label_count": data.label_count} | scale
    split = Split({"labelled": prepared}, {}, {}, bounds=data.bounds, **kind)
    network = published_network(content, folder, split, seed)
    return split.task.predictions(outputs_on(network, tensor_of(prepared))).double().numpy()


def best_recipe(folders: Iterable[Path], metric: str) -> tuple[Path, float, int]:
    """The folder whose record has the best mean over seeds of the metric on validation data, its mean, and of how many.

    Folders without a record, and those of which a seed diverged, are left out. Equal means: as in `evaluation.choice`.
    UserError where none is left.
    """
    by_name = {str(folder): folder for folder in folders if (folder / "record.json").exists()}
    values = ranked({name: record.read(folder) for name, folder in by_name.items()}, metric)
    if not values:
        allowed = f"a recipe of which all seeds finished; run the study first: {repro_command(Path.cwd())}"
        raise UserError(f"{Path.cwd() / 'runs'}: found no record to choose from; allowed: {allowed}")
    best = next(iter(values))
    return by_name[best], values[best], len(values)


def finished_record(folder: Path) -> dict:
    """The content of a record; UserError where there is none, or where one of its seeds diverged."""
    if not (folder / "record.json").exists():
        raise UserError(f"{folder}: found no record of this recipe; run the study first: {repro_command(Path.cwd())}")
    content = record.read(folder)
    if why := content.get("not_applicable"):
        allowed = "a recipe that was trained"
        raise UserError(f"{folder}/record.json: found a recipe that is not applicable: {why}; allowed: {allowed}")
    if diverged := diverged_seeds(content):
        allowed = "a recipe of which all seeds finished"
        raise UserError(f"{folder}/record.json: seed {diverged[0]} diverged; allowed: {allowed}")
    return content


def prediction_columns(
    probabilities: np.ndarray, class_names: Sequence[str], *, several: bool = False
) -> dict[str, list]:
    """`prediction`, the class of highest probability, and `probability_<class>` for each class; a value an example.

    probabilities: (n, classes); classes without names are called by their numbers. Of amounts (n, 1) `prediction` alone;
    where an example may have `several` labels, `probability_<label>` alone: which of them is enough to act is for the user
    to say.
    """
    if probabilities.shape[1] == 1:
        return {"prediction": probabilities[:, 0].tolist()}
    names = list(class_names) or [str(number) for number in range(probabilities.shape[1])]
    columns = {} if several else {"prediction": [names[number] for number in probabilities.argmax(1)]}
    return columns | {f"probability_{name}": probabilities[:, place].tolist() for place, name in enumerate(names)}


def check_output(path: Path) -> None:
    """UserError where no file can be written to this path."""
    if path.is_dir():
        raise UserError(
            f"--output: found {path}, a folder; allowed: the name of a file, such as {path / 'predictions.csv'}"
        )
    if not path.parent.is_dir():
        raise UserError(
            f"--output: found {path}, and no folder {path.parent}; allowed: a file in a folder that is there"
        )


def write_predictions(path: Path, columns: dict[str, list], files: Sequence[str] = ()) -> None:
    """Write a csv with a line an example, which names its file where there is one; decimals have nine digits."""
    columns = ({"file": list(files)} if files else {}) | columns
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(f"{value:.9g}" if isinstance(value, float) else value for value in row)
