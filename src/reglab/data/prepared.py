"""The prepared data on disk: one safetensors file with the examples and every seed's split, and its fingerprint."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file

from reglab.core.errors import UserError
from reglab.core.task_names import TaskName
from reglab.data import example_weights, split_problems, splits, tensor_files
from reglab.data.inputs import UNBOUNDED, UNIT_RANGE, Inputs, Preprocessor, shape_of
from reglab.data.preprocessing.ready import ReadyInputs
from reglab.data.splitting import duplicates
from reglab.data.spread import spread_of
from reglab.data.stored_inputs import StoredInputs
from reglab.data.target_kind import scale_of, strata, task_of

if TYPE_CHECKING:
    from reglab.core.tasks import Task

PARTS = ("labelled", "unlabelled", "validation", "test")
WEIGHTS = "example_weights"  # among the tensors
STORED = 2**28  # bytes of all prepared inputs from which on they stay in their file, unless something is fitted to them


@dataclass(frozen=True)
class Split:
    """One seed's view of the data: inputs (n, *shape) float32 and labels (n,) by part; rows are those of the source.

    Labels are int64, of so many `classes`, or float64: amounts, where `classes` is None and `target_scale` their mean and
    standard deviation in the training part; or uint8 (n, label_count): whether an example has each label.
    `labels["labelled"]` carries the label noise; every other part is as the source has it. `true_labels` are those of the
    labelled part before the noise; None where no label was replaced. Attacks keep inputs within `bounds`, lowest and highest.
    `weights` (n,) float32 are those of the labelled part; None where its examples count alike. `spread` is the unit of noise
    and attacks, as in `data.spread`; None where it is 1.
    """

    inputs: dict[str, np.ndarray | StoredInputs]
    labels: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]
    true_labels: np.ndarray | None = None
    bounds: tuple[float, float] = UNIT_RANGE
    classes: int | None = field(kw_only=True)
    target_scale: tuple[float, float] = field(default=(0.0, 1.0), kw_only=True)
    weights: np.ndarray | None = field(default=None, kw_only=True)
    label_count: int | None = field(default=None, kw_only=True)
    spread: np.ndarray | None = field(default=None, kw_only=True)

    @property
    def task(self) -> "Task":
        """What is learned, with its loss and its predictions."""
        from reglab.core.tasks import Classification, Multilabel, Regression  # torch, which `prepare` need not import

        if self.label_count is not None:
            return Multilabel(self.label_count)
        return Regression(*self.target_scale) if self.classes is None else Classification(self.classes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input."""
        return self.inputs["labelled"].shape[1:]

    def without_test(self) -> "Split":
        """The split without its test part: what a search may see."""
        arrays = (self.inputs, self.labels, self.rows)
        kept = ({part: values for part, values in each.items() if part != "test"} for each in arrays)
        return replace(self, **dict(zip(("inputs", "labels", "rows"), kept, strict=True)))


@dataclass(frozen=True)
class Prepared:
    """The data of a study: its name, fingerprint, number of classes (None: amounts or labels), and a `Split` for each seed.

    `encoding` says what the tensors of the inputs mean (`Inputs.description`). `class_names`: those of the classes or labels,
    nothing where they are numbers.
    """

    name: str
    fingerprint: str
    classes: int | None
    tensors: dict[str, np.ndarray]
    encoding: dict[str, Any] = field(default_factory=lambda: {"kind": "ready"})
    class_names: Sequence[str] = ()

    @property
    def task(self) -> TaskName:
        """The kind of targets."""
        return task_of(self.tensors["labels"])

    @property
    def label_count(self) -> int | None:
        """How many labels an example may have; None where it has a class or an amount."""
        return self.tensors["labels"].shape[1] if self.task == "multilabel" else None

    @cached_property
    def inputs(self) -> Inputs:
        """The inputs of all examples, as the source has them."""
        return inputs_of(self.tensors, self.encoding)

    @cached_property
    def size(self) -> tuple[int, ...]:
        """The shape of an example once it is prepared."""
        return shape_of(self.inputs)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The box in which the prepared inputs lie; UNBOUNDED where their kind has none."""
        return getattr(self.inputs, "bounds", UNBOUNDED)

    @cached_property
    def unscaled(self) -> int:
        """How many numbers of a prepared example, the first ones, have the unit of the data."""
        return getattr(self.inputs, "unscaled", 0)

    def preprocessor(self, seed: int) -> Preprocessor:
        """What is fitted on the labelled part of a seed."""
        return self._fitted(self.tensors[f"seed-{seed}/labelled"])

    def split(self, seed: int, clean: bool = False) -> Split:
        """A seed's view; `clean` gives the labelled part its true labels, without the label noise."""
        rows = {part: self.tensors[f"seed-{seed}/{part}"] for part in PARTS}
        return self._view(rows, None if clean else self.tensors[f"seed-{seed}/given_labels"])

    def resized(self, seed: int, train_size: int, label_noise: float) -> Split:
        """A seed's view with so many labelled examples and this share of them wrong; test and validation stay.

        Labelled and unlabelled are stretches of one order: more examples keep those that fewer had. More noise keeps
        the wrong labels of less.
        """
        rows = {part: self.tensors[f"seed-{seed}/{part}"] for part in PARTS}
        pool = np.concatenate([rows["labelled"], rows["unlabelled"]])
        train_size = min(train_size, len(pool))  # whole groups may leave fewer examples than the sizes say
        pool = splits.cover_classes(pool, strata(self.tensors["labels"]), [train_size])
        rows |= {"labelled": pool[:train_size], "unlabelled": pool[train_size:]}
        true_labels = self.tensors["labels"][rows["labelled"]]
        return self._view(
            rows, splits.add_label_noise(true_labels, classes=self.classes, fraction=label_noise, seed=seed)
        )

    def _view(self, rows: dict[str, np.ndarray], given_labels: np.ndarray | None) -> Split:
        """The examples of these rows by part, prepared by what the labelled part alone says."""
        preprocessor = self._fitted(rows["labelled"])
        inputs = {part: self._transformed(preprocessor, rows[part]) for part in PARTS}
        labels = {part: self.tensors["labels"][rows[part]] for part in PARTS}
        true_labels = labels["labelled"]
        if given_labels is not None:
            labels["labelled"] = given_labels
        kind: dict[str, Any] = {"classes": self.classes, "label_count": self.label_count}
        if self.task == "regression":
            kind["target_scale"] = scale_of(labels["labelled"])
        weights = example_weights.training_weights(self.tensors.get(WEIGHTS), rows["labelled"])
        kind["spread"] = spread_of(inputs["labelled"], self.unscaled)
        return Split(inputs, labels, rows, true_labels, self.bounds, weights=weights, **kind)

    def _fitted(self, rows: np.ndarray) -> Preprocessor:
        """The preprocessor that was fitted on these examples."""
        return (self.inputs.take(rows) if fitted(self.inputs) else self.inputs).fit()

    def _transformed(self, preprocessor: Preprocessor, rows: np.ndarray) -> np.ndarray | StoredInputs:
        """These examples, prepared; `StoredInputs` where all would be large and each can be prepared when it is needed."""
        if stays_in_file(self.inputs, len(self.inputs), self.size):
            return StoredInputs(self.inputs, preprocessor, rows, self.size)
        return preprocessor.transform(self.inputs.take(rows))


def fitted(inputs: Inputs | type[Inputs]) -> bool:
    """Whether the preparation of the inputs, or of inputs of this class, learns something from the training part."""
    return getattr(inputs, "fitted", True)


def stays_in_file(kind: Inputs | type[Inputs], examples: int, size: Sequence[int]) -> bool:
    """Whether so many examples, which have this shape once they are prepared, are prepared when needed, not all at once."""
    return not fitted(kind) and examples * math.prod(size) * 4 >= STORED


def prepared_by(preprocessor: Preprocessor, inputs: Inputs) -> np.ndarray | StoredInputs:
    """All of these examples, prepared at once, or when they are needed."""
    size = preprocessor.transform(inputs.take(np.arange(min(1, len(inputs))))).shape[1:]
    if stays_in_file(inputs, len(inputs), size):
        return StoredInputs(inputs, preprocessor, np.arange(len(inputs)), size)
    return preprocessor.transform(inputs)


def inputs_of(tensors: dict[str, np.ndarray], encoding: dict[str, Any]) -> Inputs:
    """The inputs that these tensors and this description came from."""
    return kind_of(encoding).restore(tensors, encoding)


def kind_of(encoding: dict[str, Any]) -> type[Inputs]:
    """The class of the inputs of a description: that of the module that "kind" names."""
    module = import_module(f"reglab.data.preprocessing.{encoding['kind']}")
    classes = (each for each in vars(module).values() if hasattr(each, "restore"))
    return next(each for each in classes if each.__module__ == module.__name__)


def write(
    folder: Path,
    data,
    inputs: Inputs | np.ndarray,
    labels: np.ndarray,
    seeds: int,
    *,
    name: str = "",
    class_names: Sequence[str] = (),
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    **more: np.ndarray,
) -> None:
    """Split the source for every seed and write `data.safetensors` and `dataset.json`; UserError if it cannot be split.

    `data` is a section of params.yaml: the sizes of the parts, and a name unless `name` is given. An array of inputs is ready
    for a network.
    groups, times, parts: the structure of the data, and weights: those of the examples, as in `source.Examples`. `more` are
    other targets, a row an example.
    """
    alike = duplicates.of_inputs(inputs)
    structure = {"groups": groups, "times": times, "parts": parts, "duplicates": alike}
    if problems := split_problems.problems(data, labels, **structure):
        raise UserError(*problems)
    drawn = splits.all_splits(data, labels, seeds, **structure)
    problems = split_problems.part_problems(data, labels, drawn, class_names, grouped=groups is not None)
    if problems := problems + example_weights.part_weight_problems(weights, drawn):
        raise UserError(*problems)
    inputs = ReadyInputs(inputs) if isinstance(inputs, np.ndarray) else inputs
    classes = int(labels.max()) + 1 if task_of(labels) == "classification" else None
    tensors = inputs.tensors() | {"labels": labels} | more
    tensors |= {} if weights is None else {WEIGHTS: weights.astype(np.float64)}
    for seed, rows_of in enumerate(drawn):
        tensors |= {f"seed-{seed}/{part}": rows for part, rows in rows_of.items()}
        tensors[f"seed-{seed}/given_labels"] = splits.add_label_noise(
            labels[rows_of["labelled"]], classes=classes, fraction=data.label_noise, seed=seed
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "data.safetensors"
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, path)  # which ignores strides
    description = {
        "name": name or data.name,
        "fingerprint": fingerprint(path),
        "examples": len(labels),
        "task": task_of(labels),
        "classes": classes,
        "class_names": list(class_names),
        "shape": list(shape_of(inputs)),
        "sizes": {part: len(drawn[0][part]) for part in PARTS},
        "split": splits.description(data, labels, drawn) | {"duplicates": duplicates.repeated(alike)},
        "seeds": seeds,
        "encoding": inputs.description(),
    }
    (folder / "dataset.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def describe(folder: Path) -> dict:
    """The content of dataset.json."""
    return json.loads((folder / "dataset.json").read_text(encoding="utf-8"))


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file, which need not fit into memory beside what was written to it."""
    with open(path, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def read(folder: Path) -> Prepared:
    """Read the data that `write` wrote."""
    try:
        description = describe(folder)
        tensors = tensor_files.load(folder / "data.safetensors")
    except FileNotFoundError:
        raise UserError(f"{folder}: no prepared data; run: dvc repro prepare") from None
    of_seeds = {key: description[key] for key in ("name", "fingerprint", "classes", "encoding", "class_names")}
    return Prepared(tensors=tensors, **of_seeds)
