"""The contract of a data source: its settings, the examples that it reads, and new ones that a study never saw."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from reglab.core.errors import UserError
from reglab.data.inputs import Inputs

if TYPE_CHECKING:
    import pandas as pd


NEW_ROWS = "new rows"  # stands for the file in messages about inputs in memory


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Examples as a source reads them, row by row in the order of the source.

    inputs: `Inputs`, which are prepared for each seed on its training part, or a float32 array (n, *shape) that is ready for
    a network. targets: (n,) int64, the classes 0 to k - 1, whose names are `classes`; or float64, amounts to predict; or
    (n, labels) of 0 and 1, bool or whole numbers: whether an example has each label, whose names are `classes`.
    The structure of the data, for splits: groups (n,) int64 that no split separates; times (n,) float64, later is larger;
    parts (n,), each of "train", "validation", "test", "unlabelled". weights (n,) of 0 or more: how much each example counts
    in the loss of a training (`data.example_weights`).
    """

    inputs: Inputs | np.ndarray
    targets: np.ndarray
    classes: tuple[str, ...] = ()
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    parts: np.ndarray | None = None
    weights: np.ndarray | None = None

    def structure(self) -> dict[str, np.ndarray]:
        """The arrays of the structure that there is, by name."""
        arrays = {"groups": self.groups, "times": self.times, "parts": self.parts}
        return {name: array for name, array in arrays.items() if array is not None}


@dataclass(frozen=True, kw_only=True)
class NewExamples:
    """Inputs of examples that the study never saw, as `Examples` has them.

    `names` are those of their files, where each is in a file of its own; nothing where they are the rows of one file.
    """

    inputs: Inputs | np.ndarray
    names: tuple[str, ...] = ()


class Source:
    """A frozen dataclass whose fields stand under `data:` in params.yaml, beside those of `data.settings.Data`.

    `paths` names the fields that hold a file, a folder or a pattern of files that it reads: relative to the checkout, below
    data/source/, which DVC watches.
    """

    paths: ClassVar[tuple[str, ...]] = ()

    def load(self) -> Examples:
        """Read the examples; UserError with a line for each problem: file, column or row, found, allowed."""
        raise NotImplementedError

    def load_new(self, path: str) -> NewExamples:
        """Read the inputs of other examples, which need no targets, and check that they are of the same kind; as `load`."""
        raise UserError(
            f"{path}: found new examples for a source that cannot read them; allowed: the sources table, openml, "
            "arrays, images and texts; reglab model makes a model that takes arrays"
        )

    def reader(self, encoding: dict[str, Any], shape: tuple[int, ...] | None = None) -> "Source":
        """The source that reads new inputs of a study whose inputs have this `Inputs.description` and, each, this shape.

        Another one than this where the data set itself, and not params.yaml, says what its columns or its sizes are. `shape`
        is None where the inputs are not one array.
        """
        return self

    @property
    def input_columns(self) -> "dict[str, Literal['number', 'text']]":
        """The columns of a data frame that `of_frame` takes, with the kind of their values; nothing where it takes arrays."""
        return {}

    def of_frame(self, frame: "pd.DataFrame") -> Inputs:
        """The inputs in the rows of a data frame with the `input_columns`; UserError as `load_new`."""
        raise NotImplementedError

    def example_row(self, inputs: Inputs) -> dict[str, object]:
        """A value for each of the `input_columns`, in the middle of the `inputs` of a study and no example of it."""
        raise NotImplementedError
