"""New examples are predicted by ensembles, whose records hold their networks, and by classical methods, fitted again."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from centred_columns import Columns
from safetensors.numpy import load_file

from reglab.core.errors import UserError
from reglab.core.plain import settings
from reglab.data import prepared
from reglab.data.settings import Data
from reglab.experiments.baselines import run as fitting
from reglab.experiments.baselines.methods.gradient_boosting import GradientBoosting
from reglab.experiments.baselines.methods.k_nearest_neighbours import KNearestNeighbours
from reglab.experiments.baselines.methods.support_vector_machine import SupportVectorMachine
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.boosting import Boosting
from reglab.experiments.ensembles.methods.deep_ensemble import DeepEnsemble
from reglab.experiments.ensembles.methods.dropout_average import DropoutAverage
from reglab.experiments.ensembles.methods.heterogeneous import Heterogeneous
from reglab.experiments.prediction import predict
from reglab.experiments.refitted import predict_again
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

SINGLE = Recipe((), MLP(width=8, depth=1), Training(epochs=3, batch_size=16, learning_rate=0.02))
CHOSEN = {"dropout": Dropout(0.1, 0.2, "arithmetic", 3), "weight_averaging": WeightAveraging(0.8)}
ENSEMBLES = {
    "bagging": Bagging(members=2, combine="vote"),
    "boosting": Boosting(members=3, width=8, epochs=6),
    "deep_ensemble": DeepEnsemble(members=2),
    "dropout_average": DropoutAverage(members=3),
    "heterogeneous": Heterogeneous(members=2),
}
BASELINES = {
    "gradient_boosting": GradientBoosting(max_iter=5),
    "k_nearest_neighbours": KNearestNeighbours(),
    "support_vector_machine": SupportVectorMachine(),
}
SHARED = settings({"model": SINGLE.architecture, "training": SINGLE.training})
ONE_TARGET = ["boosting"]


@pytest.fixture(scope="module", params=["classes", "amounts", "labels"])
def study(request, tmp_path_factory):
    """The folder of the records of a study of this task, and its data."""
    root = tmp_path_factory.mktemp(request.param)
    random, level = np.random.default_rng(0), np.tile(np.arange(2), 60)
    numbers = 5 + level[:, None] + random.normal(size=(120, 2))
    targets = {
        "classes": level,
        "amounts": 1000.0 + 50.0 * numbers[:, 0],
        "labels": np.stack([level, numbers[:, 1] > 5.5], axis=1).astype(np.uint8),
    }[request.param]
    sizes = Data("columns", train_size=60, validation_size=20, test_size=30)
    prepared.write(root / "data", sizes, Columns(numbers), targets, seeds=2)
    data = prepared.read(root / "data")

    def stage(family, name, techniques):
        dataset = {"name": "columns", "fingerprint": data.fingerprint}
        about = About(family, name, list(techniques), dataset, settings(techniques) | SHARED, [0, 1])
        return Stage(about, root / "runs", 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("DVC_ROOT", str(root))
        for name, technique in CHOSEN.items():
            all_seeds.run(replace(SINGLE, regularizers=(technique,)), data, stage("regularizers", name, CHOSEN))
        for name, ensemble in ENSEMBLES.items():
            if request.param != "labels" or name not in ONE_TARGET:
                recipes = {each: replace(SINGLE, regularizers=(CHOSEN[each],)) for each in CHOSEN}
                chosen = recipes if ensemble.gathers else None
                kind = ensemble if request.param == "classes" or name != "bagging" else Bagging(members=2)
                ensembling.run(kind, SINGLE, data, stage("ensembles", name, {name: kind}), chosen=chosen)
        for name, baseline in BASELINES.items():
            fitting.run(baseline, data, stage("baselines", name, {name: baseline}))
    return SimpleNamespace(task=request.param, runs=root / "runs", data=data)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensemble_gives_rows_of_the_test_part_its_published_predictions_to_1e_6(study, name):
    if study.task == "labels" and name in ONE_TARGET:
        pytest.skip("not applicable to labels")
    same_as_published(study, study.runs / "ensembles" / name, predict)


@pytest.mark.parametrize("name", BASELINES)
def test_a_classical_method_fitted_again_gives_its_published_predictions_to_1e_6(study, name):
    same_as_published(study, study.runs / "baselines" / name, predict_again)


def same_as_published(study, folder, predicted):
    published, means = load_file(folder / "predictions.safetensors"), []
    for seed in (0, 1):
        rows, wanted = published["test_indices"][seed], published["test_predictions"][seed]
        result = predicted(folder, study.data, study.data.inputs.take(rows), [seed])
        assert result == pytest.approx(wanted, rel=1e-6, abs=1e-6)
        alone = predicted(folder, study.data, study.data.inputs.take(rows[:1]), [seed])
        assert alone == pytest.approx(wanted[:1], rel=1e-6, abs=1e-6)
        means.append(predicted(folder, study.data, study.data.inputs, [seed]))
    together = predicted(folder, study.data, study.data.inputs)
    assert together == pytest.approx(np.mean(means, axis=0), rel=1e-9) and not np.allclose(means[0], means[1])


def test_a_record_without_what_rebuilds_it_and_one_of_other_data_are_refused(study, tmp_path):
    rows, folder = study.data.inputs.take(np.arange(2)), study.runs / "ensembles" / "heterogeneous"
    content = json.loads((folder / "record.json").read_text())
    assert content["chosen_settings"] == settings(CHOSEN)
    (tmp_path / "record.json").write_text(json.dumps(content | {"chosen_settings": {}}))
    with pytest.raises(UserError, match="found a record of an earlier version, which cannot predict"):
        predict(tmp_path, study.data, rows)
    other = replace(study.data, fingerprint="sha256:other")
    with pytest.raises(UserError, match="found a recipe trained on other data than data/study"):
        predict_again(study.runs / "baselines" / "gradient_boosting", other, rows)
