"""What `reglab predict` and `reglab model` do in the folder of a study: predict new examples, and take a recipe home."""

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from reglab.core.errors import UserError
from reglab.core.study_command import repro_command
from reglab.core.wording import many, nearest, shown
from reglab.data import prepared
from reglab.data.new_inputs import InputForm
from reglab.experiments.prediction import best_recipe, check_output, predict, prediction_columns, write_predictions
from reglab.experiments.refitted import predict_again
from reglab.experiments.served_model import contents
from reglab.experiments.tuning.settings import TUNED
from reglab.tracking import record
from reglab.tracking.mirror import models
from reglab.tracking.mirror.store import address

RUNS, STUDY = Path("runs"), Path("data/study")
SINGLE = ("regularizers", "combinations", TUNED)  # sections whose records hold one network for each seed
NETWORKS = (*SINGLE, "ensembles")  # and those of which it holds several
PREDICTING = (*NETWORKS, "baselines")
KEPT_NOWHERE = {  # by section why its entries make no model, or predict nothing
    "baselines": "a classical method, of which no fitted model is kept: reglab predict fits it again",
    "cocktails": "a search, of which no network is kept: to predict with what it chose, make that an entry of combinations",
}


def predict_file(settings, recipe: str, file: Path, output: Path, seed: int | None) -> int:
    """Write the predictions of a recipe for the new examples in a file; their number.

    `settings` are the `Params`. `seed` None: the mean over all seeds.
    """
    check_output(output)
    trained, data, source = record_of(settings, recipe, PREDICTING), prepared.read(STUDY), settings.data.source
    if source is None:
        allowed = "a study of table, openml, arrays, images or texts; reglab model makes a model that takes arrays"
        found = f"found {settings.data.name}, which cannot read new examples"
        raise UserError(f"params.yaml: data.name: {found}; allowed: {allowed}")
    form = InputForm.of(data.inputs)
    new = source.reader(form.encoding, form.shape).load_new(str(file))
    form.check(str(file), new.inputs)
    predicted = predict_again if trained.parent.name == "baselines" else predict
    predictions = predicted(trained, data, new.inputs, None if seed is None else [seed])
    columns = prediction_columns(predictions, data.class_names, several=data.label_count is not None)
    write_predictions(output, columns, new.names)
    return len(predictions)


def record_of(settings, name: str, families: Sequence[str]) -> Path:
    """The folder of the record of an entry of these families; UserError for a name that is none."""
    folders = {called(family, each): RUNS / family / each for family in families for each in getattr(settings, family)}
    if name in folders:
        return folders[name]
    section = next((family for family, entry in settings.expected() if entry == name and family not in families), None)
    found = shown(name) + (f", {KEPT_NOWHERE.get(section, f'an entry of {section}')}" if section else "")
    able = [each for each, folder in folders.items() if is_trained(folder)]
    allowed = ", ".join(able) or f"nothing, for no record is there: {repro_command(Path.cwd())}"
    allowed += "" if section else nearest(name, able)
    raise UserError(f"the recipe: found {found}; allowed: {allowed}")


def called(family: str, name: str) -> str:
    """What a command calls an entry of a family: the tuned ones have the names of entries of regularizers."""
    return f"{TUNED}/{name}" if family == TUNED else name


def is_trained(folder: Path) -> bool:
    """Whether the folder has a record, of an entry that is applicable."""
    return (folder / "record.json").exists() and "not_applicable" not in record.read(folder)


def make_model(settings, recipe: str | None, output: Path | None) -> Iterator[str]:
    """Make an MLflow model of the recipe, of the best on validation data where None is named; lines that say so.

    It is written to the new folder `output`; where that is None, the run of the recipe in MLflow keeps it.
    """
    if output and output.exists():
        raise UserError(f"--output: found {output}, which is there already; allowed: a new folder")
    if recipe:
        name, trained = recipe, record_of(settings, recipe, NETWORKS)
    else:
        folders = (RUNS / family / each for family in SINGLE for each in getattr(settings, family))
        metric = settings.evaluation.metric
        trained, value, count = best_recipe(folders, metric)
        name = called(trained.parent.name, trained.name)
        yield f"{name}: the best of {many(count, 'recipe')} by {metric} on validation data, {value:.4f}"
    with tempfile.TemporaryDirectory() as folder:
        made = contents(Path(folder, "study"), trained, prepared.read(STUDY))
        if output:
            models.save(made, output)
            yield f"{output}: the model of {name}; to serve it:"
            yield f"    mlflow models serve -m {shlex.quote(str(output))} --env-manager local"
            return
        uri, experiment = settings.tracking.uri, settings.tracking.experiment
        run, there = models.keep(made, trained, Path.cwd(), uri, experiment)
    place = shlex.quote(address(uri, Path.cwd()))
    yield f"MLflow: the run of {name} has {'this model already' if there else 'a new model'}; to serve it:"
    yield f"    MLFLOW_TRACKING_URI={place} mlflow models serve -m runs:/{run}/model --env-manager local"
