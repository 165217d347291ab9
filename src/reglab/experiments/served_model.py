"""A trained recipe or ensemble as an MLflow model: the files that it is made of, and how MLflow loads and asks it.

`mlflow.pyfunc` calls `_load_pyfunc` of this module with the folder that `contents` has filled: the record of the recipe with
its weights and fitted preprocessing, and study.json. No example of the study is in it.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from reglab.core.errors import UserError
from reglab.data import find_source
from reglab.data.new_inputs import InputForm
from reglab.data.prepared import Prepared
from reglab.data.source import NEW_ROWS, Source
from reglab.experiments.prediction import finished_record, predict, prediction_columns, trained_on
from reglab.experiments.published_networks import find_own_modules
from reglab.tracking.mirror.models import ModelContents, refused

RECORD = ("record.json", "weights", "preprocessing")
STUDY = "study.json"
LARGEST_MEDIAN = 2**25  # numbers


@dataclass(frozen=True)
class ServedRecipe:
    """The networks of all seeds of a recipe, which predict as one.

    `folder` has the record; `source` reads data frames, None where inputs are arrays of the `form`.
    """

    folder: Path
    source: Source | None
    form: InputForm
    classes: int | None
    label_count: int | None
    class_names: Sequence[str]
    bounds: tuple[float, float]

    def predict(self, model_input: pd.DataFrame | np.ndarray, params: dict | None = None) -> pd.DataFrame:
        """The class and the probability of each class, the probability of each label, or the amount, for each row; the mean
        over the seeds.

        MlflowException with a line for each column and row that does not fit the study.
        """
        try:
            read = self.source.of_frame if self.source else lambda values: self.form.inputs(NEW_ROWS, values)
            predictions = predict(self.folder, self, read(model_input))
        except UserError as error:
            raise refused(error) from error
        return pd.DataFrame(answers(predictions, self.class_names, self.label_count))


def answers(predictions: np.ndarray, class_names: Sequence[str], label_count: int | None) -> dict[str, list]:
    """The columns of the answer for predictions (n, outputs)."""
    return prediction_columns(predictions, class_names, several=label_count is not None)


def contents(folder: Path, trained: Path, data: Prepared) -> ModelContents:
    """Fill a new folder with the files of the model of a recipe, whose record is in the folder `trained`.

    UserError where there is no record, a seed diverged, the record is of other data, or new inputs cannot be given as a data
    frame or an array.
    """
    record = finished_record(trained)
    trained_on(data, trained, record)
    folder.mkdir()
    for name in RECORD:
        if (trained / name).is_dir():
            shutil.copytree(trained / name, folder / name)
        elif (trained / name).exists():
            shutil.copyfile(trained / name, folder / name)
    form = InputForm.of(data.inputs)
    about = {"classes": data.classes, "label_count": data.label_count}
    about |= {"class_names": list(data.class_names), "bounds": list(data.bounds)}
    text = json.dumps(about | {"form": vars(form)}, indent=2) + "\n"
    (folder / STUDY).write_text(text, encoding="utf-8")
    served = _load_pyfunc(str(folder))
    columns = served.source.input_columns if served.source else {}
    if form.shape is None and not columns:
        allowed = "inputs that are one array, or a source with `input_columns`"
        raise UserError(f"params.yaml: data.name: found {record['settings']['data']['name']}; allowed: {allowed}")
    outputs = data.classes or data.label_count or 1
    answered = answers(np.zeros((1, outputs)), data.class_names, data.label_count)
    return ModelContents(
        loader=__name__,
        folder=folder,
        columns=columns,
        shape=form.shape,
        dtype=form.dtype,
        answers={name: "text" if isinstance(value, str) else "number" for name, [value] in answered.items()},
        example=served.source.example_row(data.inputs) if columns else middle(data.inputs.tensors()["inputs"]),
    )


def middle(values: np.ndarray) -> np.ndarray:
    """An array (1, *shape) in the middle of values (n, *shape): the median of each number over the examples.

    Of values that are many it is that over so many examples, evenly spaced, as fit into memory.
    """
    some = values[:: 1 + values.size // LARGEST_MEDIAN]
    return np.median(some, axis=0, keepdims=True).astype(values.dtype)


def source_of(settings: dict) -> Source | None:
    """The source of a section `data` as a record has it; None where it has no settings of its own."""
    kind = find_source(settings["name"])
    if kind is None:
        return None
    source_settings = {field.name: settings[field.name] for field in fields(kind) if field.name in settings}
    return TypeAdapter(kind).validate_python(source_settings)


def _load_pyfunc(path: str) -> ServedRecipe:
    folder = Path(path)
    about = json.loads((folder / STUDY).read_text(encoding="utf-8"))
    form = about["form"]
    form = InputForm(form["encoding"], form["shape"] and tuple(form["shape"]), form["dtype"])
    source = None
    if form.shape is None:
        find_own_modules()
        source = source_of(finished_record(folder)["settings"]["data"])
        source = source and source.reader(form.encoding)
    kind = about["classes"], about.get("label_count"), about["class_names"]
    return ServedRecipe(folder, source, form, *kind, tuple(about["bounds"]))
