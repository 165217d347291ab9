"""Families under attack: the evaluated network, exact numbers where they are known, and warnings of unreliable ones."""

import json
from dataclasses import replace
from functools import partial
from math import nan
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from linear_model import robust_accuracy
from safetensors.torch import load_file, save_file

from reglab.config import params
from reglab.core.checks import Check
from reglab.core.errors import UserError
from reglab.data import prepared
from reglab.data.settings import Data
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.ensemble_network import ensemble_network
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.boosting import Boosting
from reglab.experiments.robustness import run as attacking
from reglab.experiments.robustness.attacked_seed import Measured, examples_of, rebuilt_check, transferable_inputs
from reglab.experiments.robustness.figure import leaders
from reglab.experiments.robustness.panda import panda
from reglab.experiments.robustness.reliability import transfer_check
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.k_sparse import KSparse
from reglab.regularizers.none import NoRegularizer
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.tracking import record
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe, learner_of
from reglab.training.restore import recipe_network

TRAINING = params.Training(epochs=4, batch_size=16, learning_rate=0.03)
ATTACK = SimpleNamespace(norm="linf", epsilons=(0.02, 0.06), examples=50, seeds=2)
RECIPES = {
    "none": Recipe((NoRegularizer(),), MLP(depth=0), TRAINING),  # linear, so that its robust accuracy is known
    "averaged": Recipe((WeightAveraging(0.9),), MLP(width=8, depth=1), TRAINING),
    "dropout": Recipe((Dropout(0.1, 0.3, "arithmetic", 2),), MLP(width=8, depth=1), TRAINING),
    "k_sparse": Recipe((KSparse(3),), MLP(width=8, depth=1), TRAINING),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a study with data in [0, 1] and the trained RECIPES as its regularizers; and the data."""
    root = tmp_path_factory.mktemp("study")
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(3), 60)
    centers = random.uniform(0.35, 0.65, size=(3, 1, 4, 4))
    inputs = np.clip(centers[labels] + random.normal(scale=0.12, size=(180, 1, 4, 4)), 0, 1).astype(np.float32)
    sizes = Data("blobs", train_size=90, validation_size=40, test_size=50)
    prepared.write(root / "data", sizes, inputs, labels, seeds=2)
    data = prepared.read(root / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(root))
        for name, recipe in RECIPES.items():
            about = About("regularizers", name, [name], dataset(data), {name: {}}, [0, 1])
            all_seeds.run(recipe, data, Stage(about, root / "runs", processes=2))
    return root, data


def dataset(data) -> dict:
    return {"name": data.name, "fingerprint": data.fingerprint}


def attacked(study, recipes=RECIPES, attack=ATTACK, processes=2) -> dict:
    root, data = study
    about = About("attacks", "regularizers", [], dataset(data), {"regularizers": vars(attack)}, [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(root))
        networks = {name: partial(recipe_network, recipe) for name, recipe in recipes.items()}
        return attacking.run(attack, networks, data, Stage(about, root / "runs", processes))


@pytest.fixture(scope="module")
def content(study):
    return attacked(study)


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_attacked_gives_the_published_probabilities(study, name):
    root, data = study
    folder = root / "runs" / "regularizers" / name
    published = load_file(folder / "predictions.safetensors")["test_predictions"]
    for seed in (0, 1):
        model = recipe_network(RECIPES[name], folder, data.split(seed), seed)
        result = model(torch.as_tensor(data.split(seed).inputs["test"])).softmax(1)
        torch.testing.assert_close(result, published[seed], atol=1e-6, rtol=0)


def test_the_plain_weights_of_an_average_are_distinguished_from_the_evaluated_ones(study):
    root, data = study
    folder, split = root / "runs" / "regularizers" / "averaged", data.split(0)
    model, inputs = recipe_network(RECIPES["averaged"], folder, split, 0), torch.as_tensor(split.inputs["test"])
    assert rebuilt_check(model, folder, inputs, 0, split.task).passed
    plain = learner_of(RECIPES["averaged"], split, 0).network
    plain.load_state_dict(load_file(folder / "weights" / "seed-0.safetensors"))
    assert not rebuilt_check(plain.eval(), folder, inputs, 0, split.task).passed


def test_clean_accuracy_is_that_of_the_published_predictions(study, content):
    for name in RECIPES:
        published = load_file(study[0] / "runs" / "regularizers" / name / "predictions.safetensors")
        right = published["test_predictions"].argmax(2) == published["test_labels"]
        assert content["models"][name]["clean"] == pytest.approx(right.double().mean().item(), abs=1e-9)
        assert content["numbers"][f"{name}/clean_accuracy"] == content["models"][name]["clean"]


def test_the_robust_accuracy_of_a_linear_recipe_is_the_exact_one(study, content):
    root, data = study
    exact = []
    for seed in (0, 1):
        weights = load_file(root / "runs" / "regularizers" / "none" / "weights" / f"seed-{seed}.safetensors")
        inputs, labels = examples_of(data.split(seed))
        exact.append(robust_accuracy(weights["head.weight"], weights["head.bias"], inputs, labels, 0.06))
    assert 0.05 < np.mean(exact) < content["models"]["none"]["clean"] - 0.05, "an epsilon that decides nothing"
    assert content["numbers"]["none/robust_accuracy@0.06"] == pytest.approx(np.mean(exact), abs=1e-9)


def test_no_attack_leaves_less_than_the_strong_one_and_none_more_than_the_clean_accuracy(content):
    for model in content["models"].values():
        curves = model["curves"]
        for kind in ("fast_gradient", "projected_gradient"):
            assert model["clean"] >= curves[kind][0] >= curves[kind][1] - 0.01
            assert curves["strong"] <= curves[kind][1] + 0.01  # a point, as the reliability checks allow


def test_every_recipe_has_a_whole_card_and_a_whole_row_and_column_of_transfers(content):
    for name, model in content["models"].items():
        lines = [line for line in content["checks"] if line["model"] == name]
        failed = [line["name"].removeprefix(f"{name}: ") for line in lines if not line["passed"]]
        assert len(lines) == 13 and failed == model["unreliable"]
        assert model["transfer"].keys() == RECIPES.keys()
        assert min(model["transfer"].values()) >= model["curves"]["strong"] - 0.05
    assert content["models"]["none"]["unreliable"] == []


def test_the_strong_attack_alone_is_on_the_first_examples(study, content, tmp_path):
    copied(study, tmp_path, "none")
    only = {"none": RECIPES["none"]}
    few = attacked((tmp_path, study[1]), only, SimpleNamespace(**vars(ATTACK) | {"examples": 10}))["models"]["none"]
    same, other = content["models"]["none"]["curves"], few["curves"]
    assert few["clean"] == content["models"]["none"]["clean"]
    assert same["projected_gradient"] == other["projected_gradient"] and other["strong"] * 20 % 1 == 0


def test_the_smallest_epsilon_of_every_example_is_published_and_agrees_with_the_clean_accuracy(study, content):
    result = load_file(study[0] / "runs" / "attacks" / "regularizers" / "predictions.safetensors")
    for name, model in content["models"].items():
        smallest = result[f"smallest_epsilon/{name}"]
        assert smallest.shape == (2, 50)
        assert (smallest > 0).double().mean().item() == pytest.approx(model["clean"], abs=1e-9)
        assert smallest.median(1).values.mean().item() == pytest.approx(model["smallest_epsilon"], abs=0.02)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_record_is_the_same_to_the_byte_in_one_process_and_in_two(study, tmp_path, norm):
    both = {name: RECIPES[name] for name in ("none", "averaged")}
    attack = SimpleNamespace(**vars(ATTACK) | {"seeds": 1, "examples": 15, "norm": norm})
    for name in both:
        copied(study, tmp_path, name)
    folder, result = tmp_path / "runs" / "attacks" / "regularizers", []
    for processes in (1, 2):
        attacked((tmp_path, study[1]), both, attack, processes)
        result.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert result[0] == result[1] and result[0].keys() == {"record.json", "figure.svg", "predictions.safetensors"}


def copied(study, tmp_path: Path, name: str) -> Path:
    """The published folder of a recipe, free to be changed, in another study; that study's folder."""
    source, target = study[0] / "runs" / "regularizers" / name, tmp_path / "runs" / "regularizers" / name
    for path in source.rglob("*.*"):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    return target


def test_a_masked_gradient_makes_the_robust_accuracy_unreliable(study, tmp_path):
    folder, data = copied(study, tmp_path, "averaged"), study[1]
    recipe = RECIPES["averaged"]
    for seed in (0, 1):
        path = folder / "weights" / f"seed-{seed}.safetensors"
        weights = load_file(path)
        save_file({key: 1e4 * value if "head" in key else value for key, value in weights.items()}, path)
    models = [recipe_network(recipe, folder, data.split(seed), seed) for seed in (0, 1)]
    inputs = [torch.as_tensor(data.split(seed).inputs["test"]) for seed in (0, 1)]
    published = torch.stack(
        [model(examples).softmax(1).detach() for model, examples in zip(models, inputs, strict=True)]
    )
    save_file({"test_predictions": published}, folder / "predictions.safetensors")
    model = attacked((tmp_path, data), {"averaged": recipe})["models"]["averaged"]
    assert model["unreliable"] == ["the loss has a slope at the examples"]


def test_a_diverged_recipe_is_skipped_and_named(study, tmp_path):
    folder = copied(study, tmp_path, "averaged")
    copied(study, tmp_path, "none")
    result = record.read(folder)
    result["seeds"]["1"] = {"status": "diverged", "metrics": {}}
    (folder / "record.json").write_text(json.dumps(result))
    content = attacked((tmp_path, study[1]), {name: RECIPES[name] for name in ("none", "averaged")})
    assert content["skipped"] == {"averaged": [1]} and content["models"].keys() == {"none"}
    alone = attacked((tmp_path, study[1]), {"averaged": RECIPES["averaged"]})
    assert alone["models"] == {} and not (tmp_path / "runs" / "attacks" / "regularizers" / "figure.svg").exists()


def test_more_examples_or_seeds_than_there_are_is_said(study):
    with pytest.raises(UserError, match="examples: found 51; allowed: at most the 50 test examples"):
        attacked(study, attack=SimpleNamespace(**vars(ATTACK) | {"examples": 51}))
    with pytest.raises(UserError, match="seeds: found 3; allowed: at most the 2 seeds"):
        attacked(study, attack=SimpleNamespace(**vars(ATTACK) | {"seeds": 3}))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_is_carried_to_others_stays_in_the_ball_and_fools_its_own_model(study, norm):
    root, data = study
    model = recipe_network(RECIPES["none"], root / "runs" / "regularizers" / "none", data.split(0), 0)
    inputs, labels = examples_of(data.split(0), 40)
    moved = transferable_inputs(model, inputs, labels, 0.15, 0, norm=norm, bounds=(0.0, 1.0))
    offsets = (moved - inputs).flatten(1)
    length = offsets.abs().amax(1) if norm == "linf" else offsets.norm(dim=1)
    assert length.max() <= 0.15 + 1e-6 and moved.min() >= 0 and moved.max() <= 1
    left = [(model(points).argmax(1) == labels).double().mean() for points in (inputs, moved)]
    assert left[1] < left[0]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_picture_is_an_example_that_one_step_fools(study, norm):
    root, data = study
    model = recipe_network(RECIPES["none"], root / "runs" / "regularizers" / "none", data.split(0), 0)
    attack = SimpleNamespace(norm=norm, epsilons=(0.3,), examples=40)
    image, direction, moved, before, after = panda(model, data.split(0), attack)
    np.testing.assert_allclose(moved, np.clip(image + 0.3 * direction, 0, 1), atol=1e-6)
    for picture, words in ((image, before), (moved, after)):
        chances = model(torch.as_tensor(picture).movedim(2, 0)[None]).softmax(1)[0]
        assert words == f"“{chances.argmax()}”, {100 * chances.max():.1f} %"
    assert norm == "l2" or before.partition("”")[0] != after.partition("”")[0]


@pytest.mark.parametrize("ensemble", [Bagging(2, "average"), Bagging(3, "vote"), Boosting(3, width=8)], ids=repr)
def test_ensembles_are_attacked_as_they_were_judged_also_those_that_vote(study, tmp_path, ensemble):
    data, plain, runs = study[1], replace(RECIPES["none"], regularizers=()), tmp_path / "runs"
    attack, name = SimpleNamespace(**vars(ATTACK) | {"seeds": 1, "epsilons": (0.3,)}), "ensemble"
    rebuild = partial(ensemble_network, ensemble, ensemble.member_recipe(plain), [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(tmp_path))
        about = About("ensembles", name, [name], dataset(data), {name: {}}, [0, 1])
        trained = ensembling.run(ensemble, plain, data, Stage(about, runs, processes=2))
        about = About("attacks", "ensembles", [], dataset(data), {}, [])
        content = attacking.run(attack, {name: rebuild}, data, Stage(about, runs, processes=2))
    model = content["models"][name]
    assert model["clean"] == pytest.approx(trained["seeds"]["0"]["metrics"]["test_accuracy"], abs=1e-6)
    assert model["curves"]["strong"] < model["clean"] - 0.2
    lines = {line["name"].partition(": ")[2]: line["passed"] for line in content["checks"]}
    assert lines["the model attacked is the one that was judged"] and lines["the loss has a slope at the examples"]


def test_a_network_that_was_judged_with_several_variants_is_known_by_the_one_it_has(study, tmp_path):
    folder, split = copied(study, tmp_path, "none"), study[1].split(1)
    model, inputs = recipe_network(RECIPES["none"], folder, split, 1), torch.as_tensor(split.inputs["test"])
    predicted = load_file(folder / "predictions.safetensors")["test_predictions"]
    save_file(
        {"test_predictions@1": predicted.flip(2).contiguous(), "test_predictions@5": predicted},
        folder / "predictions.safetensors",
    )
    assert rebuilt_check(model, folder, inputs, 1, split.task).passed
    save_file({"test_predictions@1": predicted.flip(2).contiguous()}, folder / "predictions.safetensors")
    assert not rebuilt_check(model, folder, inputs, 1, split.task).passed


def test_inputs_that_are_no_pictures_have_none():
    split = SimpleNamespace(inputs={"test": np.zeros((4, 7), np.float32)}, labels={"test": np.zeros(4, np.int64)})
    assert panda(torch.nn.Linear(7, 3), split, SimpleNamespace(norm="linf", epsilons=(0.1,), examples=4)) is None


def test_inputs_made_for_others_that_find_more_than_the_reported_attack_fail_the_check():
    assert transfer_check(0.5, [0.6, 0.495]).passed
    assert transfer_check(0.5, [0.6, 0.4]) == Check(
        "attacks on other models find nothing more", pytest.approx(0.1), 0.01
    )


def test_a_smallest_epsilon_that_no_half_reaches_is_left_out():
    def one(smallest: float):
        curves = {"fast_gradient": [0.9], "projected_gradient": [0.8]}
        return Measured(
            1.0, curves, 0.7, {"smallest_epsilon": np.array([smallest])}, np.zeros(1), [Check("none such", nan, 0.0)]
        )

    attack = SimpleNamespace(epsilons=(0.1,))
    result = attacking.summarised(attack, {"a": [one(0.25), one(np.inf)]}, {"a": [[0.6], [0.7]]})
    assert result["models"]["a"]["smallest_epsilon"] is None and result["models"]["a"]["unreliable"][0] == "none such"
    assert result["models"]["a"]["transfer"] == {"a": pytest.approx(0.65)}
    json.dumps(result, allow_nan=False)


def test_those_named_in_the_figure_are_the_most_robust_that_can_be_believed():
    def model(strong: float, clean: float = 0.9, *unreliable: str) -> dict:
        return {"curves": {"strong": strong}, "clean": clean, "unreliable": list(unreliable)}

    models = {"none": model(0.99), "masked": model(0.95, 0.9, "a line"), "a": model(0.5), "b": model(0.5, 0.95)}
    assert leaders(models) == ["b", "a"]
