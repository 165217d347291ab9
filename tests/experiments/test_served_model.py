"""A trained recipe as an MLflow model: it answers as `reglab predict` does, over loopback too, and refuses the same rows."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tables_of_people as people
from ruamel.yaml import YAML
from safetensors.numpy import load_file

from reglab import cli
from reglab.config import params, profiles
from reglab.config.new_profile import create
from reglab.config.yaml_writing import to_yaml
from reglab.core.plain import settings as plain
from reglab.core.registry import runner
from reglab.data import load_examples, prepared
from reglab.data.preprocessing.mixed_columns import TableInputs
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.settings import Data
from reglab.data.sources.openml import OpenML
from reglab.data.sources.sklearn import ScikitLearn
from reglab.data.sources.texts import Texts
from reglab.experiments import served_model
from reglab.experiments.prediction import predict
from reglab.experiments.served_model import contents
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.tracking.mirror import models, sync_all
from reglab.tracking.record import About
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

ROOT = Path(__file__).parents[2]
ROWS = people.rows()
HEADER = people.HEADER[:4]  # without the target


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI", "_MLFLOW_SERVER_ARTIFACT_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A checkout with the profile `people`: two recipes, a tuned one, an ensemble and a classical method are trained."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copyfile(ROOT / "params.yaml", root / "params.yaml")
    (root / ".gitignore").write_text("/profiles/*/\n")
    people.write(root / "people.csv", ROWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        create(root, "people.csv", "disease")
    file = root / "profiles" / "people.yaml"
    profile = YAML(typ="safe").load(file)
    profile |= {"seeds": 2, "tuning": {"seeds": 2, "settings": 3}, "training": {"epochs": 3}}
    profile |= {"model": {"name": "mlp", "width": 8, "depth": 1}, "ensembles": {"deep_ensemble": {"members": 2}}}
    file.write_text(to_yaml(profile))
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    folder = profiles.prepare(root, "people")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = params.load()
        examples = load_examples(settings.data)
        prepared.write(
            Path("data/study"), settings.data, examples.inputs, examples.targets, 2, class_names=examples.classes
        )
        Path("data/members").mkdir()
        Path("data/members/deep_ensemble.json").write_text("[]")
        stages = "train@none", "train@dropout", "ensemble@deep_ensemble", "baseline@gradient_boosting", "tune@dropout"
        for stage in stages:
            section, run_entry = runner(stage)
            run_entry(settings, StageBuilder(section, stage.partition("@")[2], [0, 1], Path("runs"), 1, None))
    return SimpleNamespace(root=root, folder=folder, runs=folder / "runs" / "regularizers")


@pytest.fixture
def run(study, monkeypatch, capsys):
    """Runs a command of `reglab` in the checkout; exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(study.root)
        monkeypatch.setattr(sys, "argv", ["reglab", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    return run


def frame(numbers=range(5)) -> pd.DataFrame:
    """Rows of the table without the target, with ages as numbers."""
    result = pd.DataFrame([ROWS[number][:4] for number in numbers], columns=HEADER)
    return result.assign(age=result["age"].astype(float))


def test_the_command_gives_the_rows_of_the_test_part_their_recorded_probabilities_to_six_digits(study, run, tmp_path):
    recorded = load_file(study.runs / "dropout" / "predictions.safetensors")
    for seed in (0, 1):
        new = people.write(tmp_path / "new.csv", [ROWS[row][:4] for row in recorded["test_indices"][seed]], HEADER)
        code, said, _ = run("predict", "people", "dropout", new, "--seed", seed, "--output", tmp_path / "p.csv")
        assert code == 0 and "predictions for 12 examples by dropout" in said
        result = pd.read_csv(tmp_path / "p.csv")
        wanted = recorded["test_predictions"][seed]
        assert np.allclose(result[["probability_absent", "probability_present"]], wanted, rtol=0, atol=2e-6)
        assert result["prediction"].tolist() == [("absent", "present")[row.argmax()] for row in wanted]


BAD_ROWS = {
    "a missing column": ([row[:3] for row in ROWS[:3]], HEADER[:3], ["column seen: found no such column"]),
    "an extra column": (
        [[*row, "x"] for row in ROWS[:3]],
        (*people.HEADER, "more"),
        ["column more: found a column that"],
    ),
    "a level never seen": (
        [ROWS[0][:4], ["30", "x", *ROWS[1][2:4]]],
        HEADER,
        ['column sex, line 3: found "x"; allowed: a'],
    ),
    "text in a numeric column": (
        [["old", *ROWS[0][1:4]]],
        HEADER,
        ['column age, line 2: found "old"; allowed: a finite'],
    ),
    "two of them": (
        [["old", "x", *ROWS[0][2:4]]],
        HEADER,
        ['column age, line 2: found "old"', 'column sex, line 2: found "x"'],
    ),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_rows_that_do_not_fit_the_schema_are_a_users_mistake_with_column_and_line(run, tmp_path, case):
    rows, header, wanted = BAD_ROWS[case]
    new = people.write(tmp_path / "new.csv", rows, header)
    code, said, error = run("predict", "people", "dropout", new, "--output", tmp_path / "p.csv")
    lines = error.splitlines()
    assert code == 2 and said == "" and len(lines) == len(wanted) and not (tmp_path / "p.csv").exists()
    for line, part in zip(lines, wanted, strict=True):
        assert line.startswith(f"{new}: {part}")


@contextmanager
def served(model):
    """The address of MLflow's scoring server of a loaded model, on loopback, in a thread."""
    import uvicorn
    from mlflow.pyfunc import scoring_server

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(scoring_server.init(model), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)


def ask(address: str, body, kind: str = "application/json") -> tuple[int, dict]:
    """Status and answer of the server to a request."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/invocations", content, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(scope="module")
def model(study, tmp_path_factory):
    """The folder of the model of `dropout`, as `reglab model --output` writes it, and the model as MLflow loads it."""
    import mlflow.pyfunc

    folder = tmp_path_factory.mktemp("model") / "dropout"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(study.root)
        patch.setattr(sys, "argv", ["reglab", "model", "people", "dropout", "--output", str(folder)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 0
    return SimpleNamespace(folder=folder, loaded=mlflow.pyfunc.load_model(str(folder)))


def expected(study, rows: pd.DataFrame) -> np.ndarray:
    """What the networks of `dropout` predict."""
    settings = params.load(study.folder / "params.yaml")
    inputs = settings.data.source.of_frame(rows)
    return predict(study.runs / "dropout", prepared.read(study.folder / "data" / "study"), inputs)


def test_the_model_says_what_it_takes_and_gives_and_holds_no_row_of_the_study(model):
    signature = model.loaded.metadata.signature
    takes = {column.name: column.type.name for column in signature.inputs}
    assert takes == {"age": "double", "sex": "string", "smokes": "string", "seen": "string"}
    gives = {column.name: column.type.name for column in signature.outputs}
    assert gives == {"prediction": "string", "probability_absent": "double", "probability_present": "double"}
    example = json.loads((model.folder / "input_example.json").read_text())
    ages = [float(row[0]) for row in ROWS]
    assert example["columns"] == list(HEADER)
    assert example["data"][0][0] == np.median(ages) and example["data"][0][1] == "f"
    assert model.loaded.predict(pd.DataFrame(example["data"], columns=HEADER)).shape == (1, 3)
    files = {path.name for path in model.folder.rglob("*") if path.is_file()}
    assert {"record.json", "study.json", "seed-0.safetensors"} <= files and "predictions.safetensors" not in files
    pinned = (model.folder / "requirements.txt").read_text().split()
    assert "torch==2." in " ".join(pinned) and not any("+" in line or line.startswith("reglab") for line in pinned)


def test_the_server_answers_over_loopback_with_the_predictions_of_the_command_to_1e_9(study, model):
    rows = frame()
    wanted = expected(study, rows)
    with served(model.loaded) as address:
        by_records = ask(address, {"dataframe_records": rows.to_dict("records")})
        by_split = ask(address, {"dataframe_split": {"columns": list(HEADER), "data": rows.to_numpy().tolist()}})
        by_csv = ask(address, rows.to_csv(index=False), "text/csv")
    for status, answer in (by_records, by_split, by_csv):
        assert status == 200
        result = pd.DataFrame(answer["predictions"])
        assert np.allclose(result[["probability_absent", "probability_present"]], wanted, rtol=0, atol=1e-9)
        assert result["prediction"].tolist() == [("absent", "present")[row.argmax()] for row in wanted]


def test_the_server_refuses_bad_rows_and_says_which(model):
    good = frame([0, 1]).to_dict("records")
    cases = {
        "missing inputs ['age']": [{key: row[key] for key in HEADER[1:]} for row in good],
        'new rows: column sex, row 2: found "x"; allowed: a level of the schema: "f, m, other"': [
            good[0],
            good[1] | {"sex": "x"},
        ],
        "new rows: column age, row 1: found nothing; allowed: a value in each row": [good[0] | {"age": None}, good[1]],
        "Failed to convert column age": [good[0] | {"age": "old"}],
        "new rows: column seen, row 2: found \"1.2.2020\"; allowed: a date of the format": [
            good[0],
            good[1] | {"seen": "1.2.2020"},
        ],
    }  # fmt: skip
    with served(model.loaded) as address:
        for message, rows in cases.items():
            status, answer = ask(address, {"dataframe_records": rows})
            assert status == 400 and message in answer["message"] and "Traceback" not in answer["message"], answer
        status, answer = ask(address, frame([0]).assign(age="old").to_csv(index=False), "text/csv")
        assert status == 400 and "'old'" in answer["message"] and "age" not in answer["message"]
        status, _ = ask(address, {"dataframe_records": good})
        assert status == 200


def folder_of(study, name: str) -> Path:
    return study.folder / "runs" / (name if "/" in name else f"regularizers/{name}")


def validation(study, name: str) -> tuple[float, float]:
    content = json.loads((folder_of(study, name) / "record.json").read_text())
    seeds = [seed["metrics"] for seed in content["seeds"].values()]
    return np.mean([seed["validation_accuracy"] for seed in seeds]), -np.mean(
        [seed["validation_nll"] for seed in seeds]
    )


def test_the_run_of_the_best_recipe_in_mlflow_keeps_its_model_once(study, run):
    from mlflow.tracking import MlflowClient

    best = max(("none", "dropout", "tuned/dropout"), key=lambda name: validation(study, name))
    code, said, _ = run("model", "people")
    assert code == 0 and said.startswith(f"{best}: the best of 3 recipes by accuracy on validation data, ")
    identity = re.search(r"models serve -m runs:/(\w+)/model --env-manager local", said)[1]
    client = MlflowClient(f"sqlite:///{study.folder}/mlflow.db")
    before = client.get_run(identity)
    assert before.data.tags["mlflow.runName"] == best.split("/")[-1] and before.info.status == "FINISHED"
    code, said, _ = run("model", "people")
    assert code == 0 and f"the run of {best} has this model already" in said and identity in said
    [experiment] = [each.experiment_id for each in client.search_experiments() if each.name == "reglab"]
    [logged] = client.search_logged_models([experiment])
    assert logged.source_run_id == identity and logged.name == "model" and logged.status == "READY"
    after = client.get_run(identity)
    assert [each.model_id for each in after.outputs.model_outputs] == [logged.model_id]
    assert after.info.end_time == before.info.end_time
    assert len(client.search_runs([experiment], "tags.kind = 'recipe'")) == 1
    files = {path.name for path in (study.folder / "mlartifacts/models" / logged.model_id).rglob("*")}
    assert {"MLmodel", "study.json", "record.json"} <= files


def test_a_sync_leaves_the_model_with_its_run(study, run, monkeypatch):
    before = run("model", "people", "none")[1]
    monkeypatch.chdir(study.folder)
    assert "already there" in sync_all(params.load())
    after = run("model", "people", "none")[1]
    assert "has this model already" in after and after.splitlines()[-1] == before.splitlines()[-1]


def test_a_model_whose_files_changed_replaces_the_former(study, monkeypatch, tmp_path):
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(study.folder)
    trained, place = study.runs / "dropout", [study.folder, None, "reglab"]
    made = contents(tmp_path / "study", trained, prepared.read(study.folder / "data" / "study"))
    identity, _ = models.keep(made, trained, *place)
    (tmp_path / "study" / "note.txt").write_text("one more file")
    assert (identity, False) == models.keep(made, trained, *place)
    assert (identity, True) == models.keep(made, trained, *place)
    client = MlflowClient(f"sqlite:///{study.folder}/mlflow.db")
    experiment = client.get_run(identity).info.experiment_id
    assert len(client.search_logged_models([experiment], f"source_run_id = '{identity}'")) == 1


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["nowhere"], 'params.yaml: profiles: found "nowhere"'),
        (
            ["people", "drop"],
            'the recipe: found "drop"; allowed: none, dropout, tuned/dropout, deep_ensemble; did you mean dropout?',
        ),
        (["people", "stacked"], 'the recipe: found "stacked", a search, of which no network is kept: '),
        (
            ["people", "masked_tuned"],
            'the recipe: found "masked_tuned", an entry of transfer; allowed: none, dropout, ',
        ),
        (["people", "gradient_boosting"], 'the recipe: found "gradient_boosting", a classical method, of which no'),
        (["people", "l1"], "runs/regularizers/l1: found no record of this recipe; run the study first"),
        (["people", "dropout", "--output", "/"], "--output: found /, which is there already; allowed: a new folder"),
    ],
)
def test_what_is_asked_for_wrongly_is_one_line(run, arguments, wanted):
    code, said, error = run("model", *arguments)
    assert code == 2 and said == "" and error.startswith(wanted) and error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("deep_ensemble", "ensembles/deep_ensemble"),
        ("gradient_boosting", "baselines/gradient_boosting"),
        ("tuned/dropout", "tuned/dropout"),
    ],
)
def test_ensembles_classical_methods_and_tuned_recipes_predict_the_test_part_as_recorded(
    study, run, tmp_path, name, folder
):
    recorded = load_file(study.folder / "runs" / folder / "predictions.safetensors")
    new = people.write(tmp_path / "new.csv", [ROWS[row][:4] for row in recorded["test_indices"][1]], HEADER)
    code, *_ = run("predict", "people", name, new, "--seed", 1, "--output", tmp_path / "p.csv")
    result = pd.read_csv(tmp_path / "p.csv")[["probability_absent", "probability_present"]]
    assert code == 0 and np.allclose(result, recorded["test_predictions"][1], rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", ["deep_ensemble", "tuned/dropout"])
def test_the_model_of_an_ensemble_or_a_tuned_recipe_answers_with_the_predictions_of_the_command(
    study, run, tmp_path, name
):
    import mlflow.pyfunc

    code, *_ = run("model", "people", name, "--output", tmp_path / "model")
    answer = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(frame())
    new = people.write(tmp_path / "new.csv", [ROWS[row][:4] for row in range(5)], HEADER)
    run("predict", "people", name, new, "--output", tmp_path / "p.csv")
    names = ["probability_absent", "probability_present"]
    assert code == 0 and np.allclose(answer[names], pd.read_csv(tmp_path / "p.csv")[names], rtol=0, atol=1e-8)


def test_a_study_of_a_few_entries_is_named_where_the_whole_one_has_not_run(run, study, monkeypatch):
    (study.root / "profiles" / "other.yaml").write_text("seeds: 2\n")
    (study.root / "profiles" / "other-only").mkdir()
    (study.root / "profiles" / "other-only" / "params.yaml").write_text("")
    code, _, error = run("model", "other")
    assert code == 2 and error.endswith("; those of the study of a few entries are called other-only\n")


def test_a_record_of_other_data_is_no_model(study, run, monkeypatch):
    description = study.folder / "data" / "study" / "dataset.json"
    before = description.read_text()
    try:
        description.write_text(json.dumps(json.loads(before) | {"fingerprint": "sha256:0"}))
        code, _, error = run("model", "people", "dropout")
    finally:
        description.write_text(before)
    assert code == 2 and "found a recipe trained on other data than data/study" in error


def trained(root: Path, data: Data, inputs, targets) -> tuple[Path, prepared.Prepared]:
    """The folder of the record of a recipe that is trained on these inputs, and the data."""
    recipe = Recipe((Dropout(0.1, 0.2),), MLP(width=8, depth=1), Training(epochs=2, batch_size=16))
    names = ["a", "b", "c"] if targets.dtype.kind == "i" else []
    prepared.write(root / "data", data, inputs, targets, seeds=2, class_names=names)
    study = prepared.read(root / "data")
    settings = plain({"dropout": recipe.regularizers[0], "model": recipe.architecture, "training": recipe.training})
    about = About(
        "regularizers",
        "dropout",
        ["dropout"],
        {"name": data.name, "fingerprint": study.fingerprint},
        settings | {"data": plain(data)},
        [0, 1],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        all_seeds.run(recipe, study, Stage(about, root / "runs", 1))
    return root / "runs" / "regularizers" / "dropout", study


def loaded(folder: Path, tmp_path: Path, study: prepared.Prepared):
    """The model of a record, saved and loaded by MLflow."""
    import mlflow.pyfunc

    models.save(contents(tmp_path / "study", folder, study), tmp_path / "model")
    return mlflow.pyfunc.load_model(str(tmp_path / "model"))


def probabilities(answer: pd.DataFrame) -> np.ndarray:
    return answer[[f"probability_{name}" for name in "abc"]].to_numpy()


SIZES = {"train_size": 60, "validation_size": 30, "test_size": 30}


def test_the_model_of_a_study_of_numbers_takes_an_array(tmp_path):
    data = Data("sklearn", **SIZES, source=ScikitLearn("iris"))
    examples = data.source.load()
    folder, study = trained(tmp_path, data, examples.inputs, examples.targets)
    model, rows = loaded(folder, tmp_path, study), examples.inputs.values[:5]
    wanted = predict(folder, study, examples.inputs.take(np.arange(5)))
    assert np.allclose(probabilities(model.predict(rows)), wanted, rtol=0, atol=1e-9)
    with served(model) as address:
        status, answer = ask(address, {"inputs": rows.tolist()})
        assert status == 200
        assert np.allclose(probabilities(pd.DataFrame(answer["predictions"])), wanted, rtol=0, atol=1e-9)
        rows[1, 2] = np.nan
        status, answer = ask(address, {"inputs": rows.tolist()})
        assert status == 400 and "new rows, row 2 (index 1), number 3: found nan; allowed: finite" in answer["message"]
        status, answer = ask(address, {"inputs": rows[:, :3].tolist()})
        assert status == 400 and "(-1, 4)" in answer["message"]


def test_the_example_of_a_model_is_the_median_over_evenly_spaced_examples_where_they_are_many(monkeypatch):
    values = np.random.default_rng(0).integers(0, 256, (40, 2, 3), np.uint8)
    assert np.array_equal(served_model.middle(values)[0], np.median(values, 0).astype(np.uint8))
    monkeypatch.setattr(served_model, "LARGEST_MEDIAN", 100)  # of 240 numbers
    assert np.array_equal(served_model.middle(values), np.median(values[::3], 0, keepdims=True).astype(np.uint8))


def test_the_model_of_a_data_set_of_openml_takes_a_data_frame_and_asks_no_network(tmp_path):
    random, targets = np.random.default_rng(0), np.tile(np.arange(3), 40)
    inputs = TableInputs(
        numeric=np.where(np.arange(120) % 9 == 0, np.nan, targets + random.normal(size=120))[:, None],
        codes=targets[:, None].astype(np.int32),
        names=("age", "town"),
        missing=("age",),
        levels=(("north", "south", "west"),),
    )
    source = OpenML(7, data_home=str(tmp_path / "empty"))
    folder, study = trained(tmp_path, Data("openml", **SIZES, source=source), inputs, targets)
    model = loaded(folder, tmp_path, study)
    rows = pd.DataFrame({"town": ["north", "south", "west", "north"], "age": [*inputs.numeric[:3, 0], 0.5]})
    wanted = predict(folder, study, source.reader(inputs.description()).of_frame(rows))
    assert np.allclose(probabilities(model.predict(rows)), wanted, rtol=0, atol=1e-9)
    assert np.allclose(wanted[:3], predict(folder, study, inputs.take(np.arange(3))), rtol=0, atol=1e-9)


def test_the_model_of_a_study_of_images_takes_pixels(tmp_path):
    random, targets = np.random.default_rng(0), np.tile(np.arange(3), 40)
    pixels = Pixels(
        (random.integers(0, 120, (120, 1, 4, 5)) + 60 * targets[:, None, None, None]).astype(np.uint8), 0, 255
    )
    folder, study = trained(tmp_path, Data("images", **SIZES), pixels, targets)
    model = loaded(folder, tmp_path, study)
    [takes] = model.metadata.signature.inputs.inputs
    assert takes.shape == (-1, 1, 4, 5) and takes.type == np.uint8
    wanted = predict(folder, study, pixels.take(np.arange(5)))
    assert np.allclose(probabilities(model.predict(pixels.values[:5])), wanted, rtol=0, atol=1e-9)


def test_the_model_of_a_study_of_texts_takes_a_data_frame_with_texts(tmp_path):
    words = ("sea wave grey", "salt water boil", "step turn jump")
    targets = np.tile(np.arange(3), 40)
    texts = [f"{words[kind]} number{row}" for row, kind in enumerate(targets)]
    source = Texts(file="texts.csv", max_features=20, ngrams=2)
    folder, study = trained(tmp_path, Data("texts", **SIZES, source=source), source.counted(texts), targets)
    model, rows = loaded(folder, tmp_path, study), pd.DataFrame({"text": ["Grey sea", "boil salt water", "unheard"]})
    wanted = predict(folder, study, source.counted(rows["text"]))
    assert np.allclose(probabilities(model.predict(rows)), wanted, rtol=0, atol=1e-9)
    assert not np.allclose(wanted[0], wanted[1], atol=1e-3)


def test_the_model_of_a_study_of_amounts_answers_in_their_unit(tmp_path):
    data = Data("sklearn", **SIZES, source=ScikitLearn("iris"))
    inputs = data.source.load().inputs
    folder, study = trained(tmp_path, data, inputs, 1000 + 50 * inputs.values[:, 0])
    model = loaded(folder, tmp_path, study)
    assert [(column.name, column.type.name) for column in model.metadata.signature.outputs] == [
        ("prediction", "double")
    ]
    result = model.predict(inputs.values[:5])["prediction"]
    assert np.allclose(result, predict(folder, study, inputs.take(np.arange(5)))[:, 0], rtol=0, atol=1e-9)
    assert result.between(1100, 1500).all()


def test_the_model_of_a_study_of_labels_answers_with_the_probability_of_each(tmp_path):
    data = Data("sklearn", **SIZES, source=ScikitLearn("iris"))
    inputs = data.source.load().inputs
    labels = (inputs.values[:, :2] > np.median(inputs.values[:, :2], axis=0)).astype(np.uint8)
    folder, study = trained(tmp_path, data, inputs, labels)
    assert study.task == "multilabel" and study.classes is None and study.label_count == 2
    model = loaded(folder, tmp_path, study)
    assert [column.name for column in model.metadata.signature.outputs] == ["probability_0", "probability_1"]
    wanted = predict(folder, study, inputs.take(np.arange(5)))
    assert np.allclose(model.predict(inputs.values[:5]).to_numpy(), wanted, rtol=0, atol=1e-9)
    assert np.ptp(wanted.sum(1)) > 1e-3  # not the probabilities of classes


@pytest.mark.stress
def test_mlflow_models_serve_serves_the_model_of_the_run(study, run):
    code, said, _ = run("model", "people", "dropout")
    assert code == 0
    address, identity = re.search(r"MLFLOW_TRACKING_URI=(\S+) mlflow models serve -m (\S+) ", said).groups()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("mlflow"), "models", "serve", "-m", identity, "--env-manager", "local"]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": address,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    rows = frame()
    with subprocess.Popen([*command, "--port", str(port)], env=environment, start_new_session=True) as process:
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5)
                    break
                except OSError:
                    assert process.poll() is None, "it ended by itself"
                    time.sleep(0.2)
            status, answer = ask(f"http://127.0.0.1:{port}", {"dataframe_records": rows.to_dict("records")})
        finally:
            process.terminate()
    result = pd.DataFrame(answer["predictions"])
    assert status == 200
    assert np.allclose(result[["probability_absent", "probability_present"]], expected(study, rows), rtol=0, atol=1e-6)
