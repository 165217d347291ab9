"""What `reglab predict` and `reglab model` do in the folder of a study: predict new examples, and take a recipe home."""

import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from reglab.core.errors import UserError
from reglab.core.wording import many
from reglab.data import prepared
from reglab.data.new_inputs import InputForm
from reglab.experiments.prediction import best_recipe, predict, prediction_columns, write_predictions
from reglab.experiments.served_model import contents
from reglab.tracking.mirror import models
from reglab.tracking.mirror.store import address

RUNS, STUDY = Path("runs"), Path("data/study")


def predict_file(settings, recipe: str, file: Path, output: Path, seed: int | None) -> int:
    """Write the predictions of a recipe for the new examples in a file; their number.

    `settings` are the `Params`. `seed` None: the mean over all seeds.
    """
    trained, data, source = record_of(settings, recipe), prepared.read(STUDY), settings.data.source
    if source is None:
        allowed = "a study of table, openml, arrays, images or texts; reglab model makes a model that takes arrays"
        found = f"found {settings.data.name}, which cannot read new examples"
        raise UserError(f"params.yaml: data.name: {found}; allowed: {allowed}")
    new = source.reader(data.encoding).load_new(str(file))
    InputForm.of(data.inputs).check(str(file), new.inputs)
    predictions = predict(trained, data, new.inputs, None if seed is None else [seed])
    columns = prediction_columns(predictions, data.class_names, several=data.label_count is not None)
    write_predictions(output, columns, new.names)
    return len(predictions)


def record_of(settings, recipe: str) -> Path:
    """The folder of the record of an entry of `regularizers` or `combinations`."""
    return RUNS / settings.recipe(recipe)[0] / recipe


def make_model(settings, recipe: str | None, output: Path | None) -> Iterator[str]:
    """Make an MLflow model of the recipe, of the best on validation data where None is named; lines that say so.

    It is written to the new folder `output`; where that is None, the run of the recipe in MLflow keeps it.
    """
    if output and output.exists():
        raise UserError(f"--output: found {output}, which is there already; allowed: a new folder")
    metric = settings.evaluation.metric
    if recipe:
        trained = record_of(settings, recipe)
    else:
        recipes = [*settings.regularizers, *settings.combinations]
        trained, value, count = best_recipe((record_of(settings, name) for name in recipes), metric)
        yield f"{trained.name}: the best of {many(count, 'recipe')} by {metric} on validation data, {value:.4f}"
    with tempfile.TemporaryDirectory() as folder:
        made = contents(Path(folder, "study"), trained, prepared.read(STUDY))
        if output:
            models.save(made, output)
            yield f"{output}: the model of {trained.name}; to serve it:"
            yield f"    mlflow models serve -m {shlex.quote(str(output))} --env-manager local"
            return
        uri, experiment = settings.tracking.uri, settings.tracking.experiment
        run, there = models.keep(made, trained, Path.cwd(), uri, experiment)
    place = shlex.quote(address(uri, Path.cwd()))
    yield f"MLflow: the run {trained.name} has {'this model already' if there else 'a new model'}; to serve it:"
    yield f"    MLFLOW_TRACKING_URI={place} mlflow models serve -m runs:/{run}/model --env-manager local"
