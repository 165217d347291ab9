"""Arrays in an npz, npy or safetensors file: numeric columns (n, d) or images (n, channels, height, width)."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from reglab.core.errors import AllProblems, UserError
from reglab.core.wording import row_at
from reglab.data.array_files import read_array
from reglab.data.classes import class_problems, numbered
from reglab.data.example_weights import ALLOWED, weight_problems
from reglab.data.label_matrix import MATRIX, as_labels, label_problems
from reglab.data.preprocessing.columns import Columns
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.scaling import Scaling
from reglab.data.source import Examples, NewExamples, Source
from reglab.data.target_kind import amount_problems, task_of

TARGETS = "amounts as decimal numbers, or classes: whole numbers 0, 1, ... without a gap, or names as text"
STRUCTURE = {"group": "groups", "time": "times", "parts": "parts", "weight": "weights"}


@dataclass(frozen=True)
class Arrays(Source):
    """`inputs` and `targets` name arrays of `file`, or of `targets_file` if the targets are in a file of their own.

    An npy file holds one array, whatever its name. Inputs of two dimensions (n, d) are numeric columns, which are scaled on
    the training part by `scaling`: robust, standard or none. Inputs of four dimensions are images (n, channels, height,
    width). `range` is the [lowest, highest] value that a pixel can have, which become 0 and 1; images of whole numbers need
    it, images of decimal numbers without it stay as they are. Targets (n,) are the numbers of the classes, 0, 1, ..., or
    their names as text, and `classes` may give names to the numbers; or amounts as decimal numbers, for a regression; or a
    matrix (n, labels) of 0 and 1, whether an example has each label, whose names `classes` may give.
    `group`, `time` and `parts` name further arrays (n,) of `file`, for splits, and `weight` one with the weights of the
    examples in the training loss (`data.example_weights`).
    """

    paths: ClassVar[tuple[str, ...]] = ("file", "targets_file")

    file: str
    inputs: str = "inputs"
    targets: str = "targets"
    targets_file: str | None = None
    range: tuple[float, float] | None = None
    scaling: Scaling = "robust"
    classes: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    parts: str | None = None
    weight: str | None = None

    def load(self) -> Examples:
        if self.file.lower().endswith(".npy") and not self.targets_file:
            raise UserError(
                f"params.yaml: data.targets_file: found nothing, and {self.file} holds one array; "
                "allowed: the file of the targets"
            )
        place, problems = self.place(self.targets_file or self.file, self.targets), AllProblems()
        inputs = problems.of(lambda: self.encoded(read_array(self.file, self.inputs)))
        given = problems.of(lambda: encoded_targets(read_array(self.targets_file or self.file, self.targets), place))
        names = {name: getattr(self, key) for key, name in STRUCTURE.items() if getattr(self, key)}
        structure = {
            name: problems.of(lambda name=name, array=array: self.structure(name, array))
            for name, array in names.items()
        }
        problems.stop()
        targets, classes = given
        if self.classes and len(self.classes) != len(classes):
            raise UserError(
                f"params.yaml: data.classes: found {len(self.classes)} names; allowed: {len(classes)}, as {place} has"
            )
        for name, array in [(self.targets, targets), *((names[each], structure[each]) for each in names)]:
            if len(array) != len(inputs):
                raise UserError(
                    f"{self.file}: found {len(inputs)} inputs and {len(array)} {name}; allowed: one for each input"
                )
        wrong = amount_problems(targets) if task_of(targets) == "regression" else []
        lines = [f"{place}: found {line}" for line in wrong]
        refused = label_problems if task_of(targets) == "multilabel" else class_problems
        if lines := lines or (refused(place, targets, self.classes or classes) if classes else []):
            raise UserError(*lines)
        return Examples(inputs=inputs, targets=targets, classes=self.classes or classes, **structure)

    def load_new(self, path: str) -> NewExamples:
        """The array `inputs` of another file of any of these kinds."""
        return NewExamples(inputs=replace(self, file=path).encoded(read_array(path, self.inputs)))

    def place(self, file: str, name: str) -> str:
        return file if file.lower().endswith(".npy") else f"{file}: {name}"

    def encoded(self, array: np.ndarray) -> Columns | Pixels | np.ndarray:
        """The inputs as they are stored; UserError where they are no finite numbers in two or four dimensions."""
        place = self.place(self.file, self.inputs)
        shape = " x ".join(map(str, array.shape))
        if array.dtype.kind not in "biuf":
            raise UserError(f"{place}: found values of the type {array.dtype}; allowed: numbers, or true and false")
        if not array.size or array.ndim not in (2, 4):
            hint = "; reshape grey images to (n, 1, height, width)" if array.ndim == 3 else ""
            allowed = f"columns (n, d) or images (n, channels, height, width), not empty{hint}"
            raise UserError(f"{place}: found an array of the shape {shape or 'of one number'}; allowed: {allowed}")
        if array.ndim == 4 and array.shape[1] > 4 >= array.shape[3]:
            raise UserError(
                f"{place}: found images of the shape {shape}, channels last; allowed: (n, channels, height, width)"
            )
        array = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):
                finite = np.isfinite(array.astype(np.float32)).reshape(len(array), -1).all(1)
            if not finite.all():
                allowed = "finite numbers within the range of float32; drop or fill such rows"
                found = f"NaN or infinity, in {np.sum(~finite):,} rows"
                raise UserError(f"{place}, {row_at(np.argmin(finite))}: found {found}; allowed: {allowed}")
        return self.columns(array) if array.ndim == 2 else self.images(array, place)

    def columns(self, array: np.ndarray) -> Columns:
        if self.range is not None:
            raise UserError(
                f"params.yaml: data.range: found a range for columns (n, d) of {self.file}; allowed: null, or images"
            )
        exact = np.can_cast(array.dtype, np.float32)
        return Columns(array.astype(np.float32 if exact else np.float64), self.scaling)

    def images(self, array: np.ndarray, place: str) -> Pixels | np.ndarray:
        whole = array.dtype.kind in "iu"
        if self.range is None:
            if whole:
                raise UserError(
                    f"params.yaml: data.range: found nothing for images of whole numbers, {array.dtype} in {place}; "
                    f"allowed: the lowest and highest value of a pixel, such as [0, 255]"
                )
            return array.astype(np.float32)
        low, high = self.range
        if not low < high:
            raise UserError(
                f"params.yaml: data.range: found [{low:g}, {high:g}]; allowed: the lowest value, then a higher one"
            )
        rows = array.reshape(len(array), -1)
        outside = (rows.min(1) < low) | (rows.max(1) > high)
        if outside.any():
            row = np.argmax(outside)
            found = f"values from {rows[row].min():g} to {rows[row].max():g}"
            raise UserError(f"{place}, {row_at(row)}: found {found}; allowed: {low:g} to {high:g}, as data.range says")
        if whole:
            return Pixels(array, low, high)
        return ((array - low) / (high - low)).astype(np.float32)

    def structure(self, name: str, array: str) -> np.ndarray:
        """An array for splits: groups as numbers, times that are larger when they are later, names of parts; or weights."""
        values, place = read_array(self.file, array), self.place(self.file, array)
        if values.ndim != 1:
            raise UserError(
                f"{place}: found an array of {values.ndim} dimensions; allowed: (n,), one value for each input"
            )
        if name == "weights":
            if values.dtype.kind not in "iufb":
                raise UserError(f"{place}: found values of the type {values.dtype}; allowed: {ALLOWED}")
            weights = values.astype(np.float64)
            if lines := [f"{place}: found {line}" for line in weight_problems(weights)]:
                raise UserError(*lines)
            return weights
        if name == "groups" and values.dtype.kind == "f" and np.isnan(values).any():
            row = row_at(np.argmax(np.isnan(values)))
            raise UserError(f"{place}, {row}: found NaN; allowed: a group for each input")
        if name == "groups":
            return np.unique(values, return_inverse=True)[1].astype(np.int64)
        if name == "times" and (values.dtype.kind not in "iuf" or not np.isfinite(values).all()):
            raise UserError(
                f"{place}: found {values.dtype} or a value that is not finite; allowed: numbers, later is larger"
            )
        if name == "times":
            return values.astype(np.float64)
        return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values.astype(np.str_)


def encoded_targets(array: np.ndarray, place: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Targets (n,) int64 and the names of the classes, or float64 and none, or (n, labels) uint8 and the names of the labels;
    UserError where an input has none.
    """
    if array.ndim == 2 and array.shape[1] > 1 and len(array) and array.dtype.kind in "biuf":
        return encoded_labels(array, place)
    if array.ndim != 1 or not len(array):
        shape = " x ".join(map(str, array.shape))
        allowed = f"(n,), a target for each input; or (n, labels), two or more of them, of numbers: {MATRIX}"
        raise UserError(f"{place}: found an array of the shape {shape}; allowed: {allowed}")
    if array.dtype.kind in "SU":
        try:
            return numbered(np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array)
        except UnicodeDecodeError:
            raise UserError(f"{place}: found texts that are not UTF-8; allowed: {TARGETS}") from None
    if array.dtype.kind == "b":
        return array.astype(np.int64), ("false", "true")
    if array.dtype.kind == "f":
        return array.astype(np.float64), ()
    if array.dtype.kind not in "iu":
        raise UserError(f"{place}: found values of the type {array.dtype}; allowed: {TARGETS}")
    labels = np.unique(array)
    if not np.array_equal(labels, np.arange(len(labels))):
        listed = ", ".join(map(str, labels[:8])) + (", ..." if len(labels) > 8 else "")
        raise UserError(f"{place}: found the labels {listed}; allowed: {TARGETS}")
    return array.astype(np.int64), tuple(map(str, labels))


def encoded_labels(array: np.ndarray, place: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """The matrix (n, labels) as uint8 and the numbers of the labels as their names; UserError where it has other values."""
    wrong = ~np.isin(array, (0, 1))
    if wrong.any():
        row, label = np.argwhere(wrong)[0]
        more = f", one of {wrong.sum():,} such values" if wrong.sum() > 1 else ""
        where = f"{place}, {row_at(row)}, column {label + 1}"
        raise UserError(f"{where}: found {array[row, label]:g}{more}; allowed: {MATRIX}")
    return as_labels(array.astype(np.int64)), tuple(map(str, range(array.shape[1])))
