"""New examples are predicted by the published networks, each with the preprocessor that was fitted for its seed."""

import csv
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from centred_columns import Columns
from safetensors.numpy import load_file

from reglab.core.errors import UserError
from reglab.core.plain import settings
from reglab.data import prepared
from reglab.data.settings import Data
from reglab.experiments.new_examples import predict_file
from reglab.experiments.prediction import best_recipe, predict, prediction_columns, write_predictions
from reglab.experiments.published_networks import recipe_of
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

TECHNIQUES = {"dropout": Dropout(0.1, 0.2), "weight_averaging": WeightAveraging(0.8)}
RECIPE = Recipe(tuple(TECHNIQUES.values()), MLP(width=8, depth=1), Training(epochs=3, batch_size=16))
SETTINGS = settings(TECHNIQUES | {"model": RECIPE.architecture, "training": RECIPE.training})


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a trained recipe, and the data."""
    root = tmp_path_factory.mktemp("study")
    random, labels = np.random.default_rng(0), np.tile(np.arange(3), 40)
    numbers = 5 + labels[:, None] + random.normal(size=(120, 2))
    sizes = Data("columns", train_size=60, validation_size=20, test_size=30)
    prepared.write(root / "data", sizes, Columns(numbers), labels, seeds=2, class_names=["a", "b", "c"])
    data = prepared.read(root / "data")
    about = About(
        "combinations", "mine", list(TECHNIQUES), {"name": "columns", "fingerprint": data.fingerprint}, SETTINGS, [0, 1]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        all_seeds.run(RECIPE, data, Stage(about, root / "runs", 1))
    return SimpleNamespace(folder=root / "runs" / "combinations" / "mine", data=data)


def test_rows_of_the_test_part_get_the_published_probabilities_to_1e_6(study):
    published = load_file(study.folder / "predictions.safetensors")
    for seed in (0, 1):
        rows = study.data.inputs.take(published["test_indices"][seed])
        result = predict(study.folder, study.data, rows, [seed])
        assert np.allclose(result, published["test_predictions"][seed], atol=1e-6)


def test_without_a_seed_the_prediction_is_the_mean_over_all_networks(study):
    rows = Columns(np.array([[5.0, 6.0], [7.0, 7.5]]))
    single = [predict(study.folder, study.data, rows, [seed]) for seed in (0, 1)]
    assert np.allclose(predict(study.folder, study.data, rows), np.mean(single, axis=0), atol=1e-12)
    assert not np.allclose(single[0], single[1], atol=1e-3)


def test_the_preprocessor_of_the_record_is_used_and_not_one_of_the_new_rows(study):
    one, many = Columns(np.array([[5.0, 6.0]])), Columns(np.array([[5.0, 6.0], [70.0, -75.0]]))
    alone = predict(study.folder, study.data, one)
    assert np.allclose(predict(study.folder, study.data, many)[0], alone[0], atol=1e-6)
    for seed in (0, 1):
        fitted = load_file(study.folder / "preprocessing" / f"seed-{seed}.safetensors")
        rows = study.data.tensors[f"seed-{seed}/labelled"]
        assert np.array_equal(fitted["mean"], study.data.inputs.numbers[rows].mean(0))


@pytest.mark.parametrize(
    ("folder", "made_of", "command"),
    [
        ("", "params.yaml", "make repro"),
        (
            "profiles/heart",
            "# params.yaml with profiles/heart.yaml merged into it, made anew",
            "make repro PROFILE=heart",
        ),
        (
            "profiles/heart-only",
            "# params.yaml with profiles/heart.yaml merged into it and none, dropout alone, made anew",
            'make repro PROFILE=heart ONLY="none dropout"',
        ),
        ("profiles/only", "# params.yaml with none, l1 alone, made anew", 'make repro ONLY="none l1"'),
        (
            "profiles/x-only",
            "# params.yaml with profiles/x-only.yaml merged into it, made",
            "make repro PROFILE=x-only",
        ),
    ],
)
def test_the_advice_to_run_a_study_first_is_the_command_of_that_study(tmp_path, monkeypatch, folder, made_of, command):
    home = tmp_path / folder
    home.mkdir(parents=True, exist_ok=True)
    (home / "params.yaml").write_text(f"{made_of} by each repro: edit that one\nseeds: 2\n")
    monkeypatch.chdir(home)
    with pytest.raises(UserError, match=f"; run the study first: {re.escape(command)}$"):
        predict(tmp_path / "nowhere", None, None)
    with pytest.raises(UserError, match=f"run the study first: {re.escape(command)}$"):
        best_recipe([], "accuracy")


def test_a_seed_that_is_not_there_and_a_recipe_without_a_record_are_refused(study, tmp_path):
    rows = study.data.inputs.take(np.arange(2))
    with pytest.raises(UserError, match=r"--seed: found 2; allowed: a seed from 0 to 1"):
        predict(study.folder, study.data, rows, [2])
    with pytest.raises(UserError, match="found no record of this recipe"):
        predict(tmp_path, study.data, rows)
    trained = json.loads((study.folder / "record.json").read_text())
    trained["seeds"]["1"]["status"] = "diverged"
    (tmp_path / "record.json").write_text(json.dumps(trained))
    with pytest.raises(UserError, match="seed 1 diverged"):
        predict(tmp_path, study.data, rows)


def test_the_csv_names_the_class_of_highest_probability_and_has_a_column_for_each(tmp_path):
    columns = prediction_columns(np.array([[0.2, 0.8], [0.75, 0.25]]), ["no, thanks", "yes"])
    write_predictions(tmp_path / "p.csv", columns)
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert [row["prediction"] for row in rows] == ["yes", "no, thanks"]
    assert [float(row["probability_no, thanks"]) for row in rows] == [0.2, 0.75]
    write_predictions(tmp_path / "n.csv", prediction_columns(np.array([[0.2, 0.8]]), []), ["a/1.png"])
    assert (tmp_path / "n.csv").read_text() == "file,prediction,probability_0,probability_1\na/1.png,1,0.2,0.8\n"


@pytest.mark.parametrize(("place", "found"), [(".", ", a folder; allowed: "), ("gone/new.csv", ", and no folder ")])
def test_predictions_that_can_be_written_nowhere_are_refused_before_anything_is_read(place, found, tmp_path):
    with pytest.raises(UserError, match=r"^--output: found ") as error:
        predict_file(SimpleNamespace(), "dropout", tmp_path / "new.csv", tmp_path / place, None)
    assert found in str(error.value)


def test_of_several_labels_the_csv_has_the_probability_of_each_and_names_no_class(tmp_path):
    write_predictions(tmp_path / "p.csv", prediction_columns(np.array([[0.9, 0.8]]), ["fever", "cough"], several=True))
    assert (tmp_path / "p.csv").read_text() == "probability_fever,probability_cough\n0.9,0.8\n"


def test_the_recipe_of_a_record_is_the_one_it_was_trained_with(study):
    content = json.loads((study.folder / "record.json").read_text())
    assert recipe_of(content) == RECIPE
    content["settings"]["model"] = {"name": "reglab.models.mlp.MLP", "width": 8, "depth": 1}
    assert recipe_of(content).architecture == RECIPE.architecture


def test_predicted_amounts_have_the_digits_of_single_precision(tmp_path):
    """Amounts around ten million that differ by a few."""
    amounts = np.array([[10_000_000.9], [10_000_002.4]], np.float32)
    write_predictions(tmp_path / "p.csv", prediction_columns(amounts, []))
    read = [float(line) for line in (tmp_path / "p.csv").read_text().splitlines()[1:]]
    assert np.array_equal(np.float32(read), amounts[:, 0])
