"""A recipe as an MLflow model: saved in a folder, or kept by the run of its record, once."""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from reglab.core.errors import UserError
from reglab.tracking.mirror import runs
from reglab.tracking.mirror.store import Store, load, open_store, plain_errors, sole_writer
from reglab.tracking.mirror.sync import restore

if TYPE_CHECKING:
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature

NAME = "model"  # of the model of a run: runs:/<run>/model
DIGEST = "reglab.model"  # tag of a model: of its files and versions
Columns = dict[str, Literal["number", "text"]]


@dataclass(frozen=True)
class ModelContents:
    """What an MLflow model is made of. `loader` is the module whose `_load_pyfunc` loads the files in `folder`.

    The model takes a data frame with `columns`, or, where there are none, an array (n, *shape) of `dtype`; `example` is one
    input. It answers with a data frame with the columns `answers`.
    """

    loader: str
    folder: Path
    columns: Columns
    shape: tuple[int, ...] | None
    dtype: str | None
    answers: Columns
    example: dict[str, object] | np.ndarray

    @property
    def digest(self) -> str:
        digest = hashlib.sha256("\n".join(requirements()).encode())
        for file in sorted(self.folder.rglob("*")):
            if file.is_file():
                name = file.relative_to(self.folder).as_posix()
                digest.update(f"\0{name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def signature(self) -> "ModelSignature":
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, Schema, TensorSpec

        def schema(columns: Columns) -> Schema:
            kinds = {"number": "double", "text": "string"}
            return Schema([ColSpec(kinds[kind], name) for name, kind in columns.items()])

        array = None if self.columns else Schema([TensorSpec(np.dtype(self.dtype), (-1, *self.shape))])
        return ModelSignature(schema(self.columns) if self.columns else array, schema(self.answers))


def requirements() -> list[str]:
    """The packages that reglab needs, in the versions that run here.

    Not reglab itself, which is in no registry: where the model is served, it is installed from its checkout.
    """
    names = [re.match(r"[\w.-]+", line)[0] for line in metadata.requires("reglab") or () if "extra ==" not in line]
    return [f"{name}=={metadata.version(name).partition('+')[0]}" for name in names]


def save(contents: ModelContents, folder: Path, **of_run: str) -> None:
    """Write the model to a new folder, which `mlflow models serve` serves; `of_run` is what it says of its run."""
    load()
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.models import Model

    example = contents.example
    mlflow.pyfunc.save_model(
        folder,
        mlflow_model=Model(**of_run),
        loader_module=contents.loader,
        data_path=str(contents.folder),
        signature=contents.signature(),
        input_example=pd.DataFrame([example]) if isinstance(example, dict) else example,
        pip_requirements=requirements(),
        metadata={"reglab": metadata.version("reglab")},
    )


def keep(contents: ModelContents, trained: Path, root: Path, uri: str | None, experiment: str) -> tuple[str, bool]:
    """Give the run of a record its model; the id of the run, and whether it had this model already.

    `trained` is the folder of the record; its run is created where MLflow lacks it. An earlier model of the run that is
    not the same, or was not finished, is deleted.
    """
    with sole_writer(root), plain_errors(uri, root):
        store, record = open_store(uri, experiment, root), runs.read(trained)
        restore(store, record, root)
        run, digest = runs.runs_of_record(store, record).parent.info.run_id, contents.digest
        there = False
        for model in store.client.search_logged_models([store.experiment], f"source_run_id = '{run}'"):
            if not there and model.tags.get(DIGEST) == digest and model.status == "READY":
                there = True
            else:
                store.client.delete_logged_model(model.model_id)
        if not there:
            create(store, contents, run, digest)
        return run, there


def create(store: Store, contents: ModelContents, run: str, digest: str) -> None:
    """A new model of the run, which is found only when it has all its files."""
    from mlflow.entities import LoggedModelOutput

    params = store.client.get_run(run).data.params
    model = store.client.create_logged_model(store.experiment, NAME, run, {DIGEST: digest}, params)
    with tempfile.TemporaryDirectory() as folder:
        path, about = Path(folder, NAME), {"model_id": model.model_id, "model_uuid": model.model_id, "run_id": run}
        save(contents, path, artifact_path=model.artifact_location, **about)
        store.client.log_model_artifacts(model.model_id, str(path))
    store.client.log_outputs(run, [LoggedModelOutput(model.model_id, step=0)])
    store.client.finalize_logged_model(model.model_id, "READY")


def refused(error: UserError) -> "MlflowException":
    """The error as a server answers it: status 400 with the lines."""
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

    return MlflowException("\n".join(error.lines), error_code=INVALID_PARAMETER_VALUE)
