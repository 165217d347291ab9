"""Networks of amounts under attack: the record holds the exact error of a linear recipe, in the unit of the target."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reglab.config import params
from reglab.data import prepared
from reglab.data.settings import Data
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.ensemble_network import ensemble_network
from reglab.experiments.ensembles.methods.boosting import Boosting
from reglab.experiments.robustness import run as attacking
from reglab.experiments.robustness.error_reliability import error_transfer_check
from reglab.experiments.robustness.figure import leaders
from reglab.experiments.robustness.panda import panda
from reglab.models.mlp import MLP
from reglab.regularizers.none import NoRegularizer
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.restore import recipe_network

TRAINING = params.Training(epochs=6, batch_size=16, learning_rate=0.03)
ATTACK = SimpleNamespace(norm="linf", epsilons=(0.02, 0.06), examples=40, seeds=2)
RECIPES = {
    "none": Recipe((NoRegularizer(),), MLP(depth=0), TRAINING),  # linear, so that its largest errors are known
    "bent": Recipe((NoRegularizer(),), MLP(width=8, depth=1), TRAINING),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a study of prices and the trained RECIPES as its regularizers; its data; the record of the attack."""
    root, random = tmp_path_factory.mktemp("study"), np.random.default_rng(0)
    inputs = random.uniform(0.2, 0.8, size=(180, 1, 3, 3)).astype(np.float32)  # no ball meets the range
    prices = 5000 + 900 * inputs[:, 0, 0, 0] - 700 * inputs[:, 0, 1, 1] + random.normal(0, 60, 180)
    sizes = Data("prices", train_size=90, validation_size=40, test_size=50)
    prepared.write(root / "data", sizes, inputs, prices.astype(np.float64), seeds=2)
    data = prepared.read(root / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(root))
        for name, recipe in RECIPES.items():
            about = About("regularizers", name, [name], dataset(data), {name: {}}, [0, 1])
            all_seeds.run(recipe, data, Stage(about, root / "runs", processes=1))
        about = About("attacks", "regularizers", [], dataset(data), {"regularizers": vars(ATTACK)}, [])
        networks = {name: partial(recipe_network, recipe) for name, recipe in RECIPES.items()}
        content = attacking.run(ATTACK, networks, data, Stage(about, root / "runs", processes=1))
    return root, data, content


def dataset(data) -> dict:
    return {"name": data.name, "fingerprint": data.fingerprint}


def exact_rmse(study, epsilon: float, count: int | None = None) -> float:
    """(mean (|r| + epsilon ||w||_1 std)²)^½ of the linear recipe over the first test examples, the mean over both seeds."""
    root, data, _ = study
    errors = []
    for seed in (0, 1):
        split = data.split(seed)
        model = recipe_network(RECIPES["none"], root / "runs/regularizers/none", split, seed)
        inputs, labels = (torch.as_tensor(each["test"][:count]) for each in (split.inputs, split.labels))
        residuals = (split.task.predictions(model(inputs))[:, 0] - labels).detach().abs()
        largest = residuals + epsilon * split.task.std * model.head.weight.detach().abs().sum()
        errors.append(largest.square().mean().sqrt().item())
    return float(np.mean(errors))


def test_the_error_under_attack_of_a_linear_recipe_is_the_exact_one_in_the_unit_of_the_target(study):
    content = study[2]
    model, numbers = content["models"]["none"], content["numbers"]
    for kind in ("fast_gradient", "projected_gradient"):
        exact = [exact_rmse(study, epsilon) for epsilon in ATTACK.epsilons]
        assert model["curves"][kind] == pytest.approx(exact, rel=1e-5)  # single precision
    assert numbers["none/robust_rmse@0.06"] == model["curves"]["strong"]
    assert model["curves"]["strong"] == pytest.approx(exact_rmse(study, 0.06, ATTACK.examples), rel=1e-5)
    assert numbers["none/clean_rmse"] == model["clean"] == pytest.approx(exact_rmse(study, 0.0), rel=1e-5)
    assert content["metric"] == "rmse" and model["smallest_epsilon"] is None
    assert model["curves"]["projected_gradient"][1] > 1.1 * model["clean"], "an epsilon that decides nothing"


def test_the_errors_of_every_example_are_published_and_are_those_of_the_curve(study):
    published = load_file(study[0] / "runs/attacks/regularizers/predictions.safetensors")
    assert set(published) == {f"robust_error@{epsilon}/{name}" for epsilon in ATTACK.epsilons for name in RECIPES}
    for name in RECIPES:
        errors = published[f"robust_error@0.06/{name}"]
        assert errors.shape == (2, 50)
        rmse = errors.double().square().mean(1).sqrt().mean().item()
        assert rmse == pytest.approx(study[2]["models"][name]["curves"]["projected_gradient"][1], rel=1e-6)


def test_every_reliability_check_passes_on_sound_networks_and_each_is_made(study):
    content = study[2]
    for name, model in content["models"].items():
        lines = [line for line in content["checks"] if line["model"] == name]
        assert model["unreliable"] == [] and len(lines) == 11
        assert model["transfer"].keys() == RECIPES.keys()
        assert model["transfer"][name] <= model["curves"]["strong"] * 1.001


def test_a_masked_gradient_makes_the_error_under_attack_unreliable(study):
    """Amounts that are rounded have no slope: no gradient attack moves them, the black-box attack does."""

    class Rounded(torch.nn.Module):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def forward(self, inputs):
            outputs = self.network(inputs)
            return outputs.detach().mul(4).round() / 4 + 0 * outputs

    def rounded(folder, split, seed):
        return Rounded(recipe_network(RECIPES["none"], folder, split, seed))

    measured = attacking.measure(rounded, study[0] / "runs/regularizers/none", study[1].split(0), 0, ATTACK)
    failed = [check.name for check in measured.checks if not check.passed]
    assert "the loss has a slope at the examples" in failed
    assert "the model attacked is the one that was judged" in failed


def test_inputs_made_for_others_that_raise_the_error_by_more_than_a_hundredth_fail_the_check():
    assert error_transfer_check(100.0, [90.0, 100.9]).passed
    assert not error_transfer_check(100.0, [90.0, 101.1]).passed
    assert error_transfer_check(0.0, [0.0]).gap == 0.0


def test_those_named_in_the_figure_have_the_smallest_errors():
    models = {
        name: {"curves": {"strong": error}, "clean": 1.0, "unreliable": []}
        for name, error in zip("abc", (3, 1, 2), strict=True)
    }
    assert leaders(models, "rmse") == ["b", "c", "a"]


def test_the_picture_of_amounts_is_the_example_whose_prediction_moves_most(study):
    root, data, _ = study
    model = recipe_network(RECIPES["none"], root / "runs/regularizers/none", data.split(0), 0)
    shown = panda(model, data.split(0), SimpleNamespace(norm="linf", epsilons=(0.1,), examples=40))
    np.testing.assert_allclose(shown.moved, shown.image + 0.1 * shown.direction, atol=1e-6)
    for picture, words in ((shown.image, shown.before), (shown.moved, shown.after)):
        amount = data.split(0).task.predictions(model(torch.as_tensor(picture).movedim(2, 0)[None])).item()
        assert words == f"{amount:.4g}"


def test_a_boosted_ensemble_of_amounts_is_attacked_as_it_was_judged(study, tmp_path):
    _, data, _ = study
    ensemble, plain = Boosting(3, width=8), Recipe((), MLP(depth=0), TRAINING)
    rebuild = partial(ensemble_network, ensemble, ensemble.member_recipe(plain), [])
    attack = SimpleNamespace(**vars(ATTACK) | {"seeds": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(tmp_path))
        about = About("ensembles", "boosted", ["boosted"], dataset(data), {"boosted": {}}, [0, 1])
        trained = ensembling.run(ensemble, plain, data, Stage(about, tmp_path / "runs", processes=1))
        about = About("attacks", "ensembles", [], dataset(data), {}, [])
        content = attacking.run(attack, {"boosted": rebuild}, data, Stage(about, tmp_path / "runs", processes=1))
    model = content["models"]["boosted"]
    assert model["clean"] == pytest.approx(trained["seeds"]["0"]["metrics"]["test_rmse"], rel=1e-5)
    lines = {line["name"].partition(": ")[2]: line["passed"] for line in content["checks"]}
    assert lines["the model attacked is the one that was judged"] and model["curves"]["strong"] > model["clean"]
