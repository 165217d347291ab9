"""Temperature scaling against SciPy's minimiser, and what it may not change."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from reglab.core.streams import generator
from reglab.core.tasks import Classification, Multilabel
from reglab.regularizers.temperature_scaling import LARGEST, TemperatureScaling, fitted_temperature
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.technique_checks.workbench import parts, recipe
from reglab.training.one_seed import finished_seed, train_seed
from reglab.training.restore import recipe_network


@pytest.mark.parametrize("check", TemperatureScaling.checks(), ids=lambda check: check.name)
def test_it_meets_its_closed_form(check):
    assert check.passed, check


@pytest.mark.parametrize("scale", [0.3, 4.0])
def test_the_temperature_is_that_of_scipy(scale):
    random = generator("logits")
    logits = torch.randn(300, 4, generator=random, dtype=torch.float64)
    labels = torch.multinomial(logits.softmax(1), 1, generator=random)[:, 0]
    targets = torch.eye(4, dtype=torch.float64)[labels]

    def loss(temperature):
        return -(log_softmax((scale * logits).numpy() / temperature, axis=1) * targets.numpy()).sum(1).mean()

    expected = minimize_scalar(loss, bounds=(0.05, 50), method="bounded", options={"xatol": 1e-10}).x
    assert fitted_temperature(scale * logits, targets, Classification(4)) == pytest.approx(expected, rel=1e-6)


def test_scores_that_are_not_finite_or_always_right_give_a_temperature_within_its_bounds():
    targets = torch.eye(3)
    assert fitted_temperature(targets * torch.inf, targets, Classification(3)) == 1.0
    assert fitted_temperature(targets, targets, Classification(3)) == pytest.approx(1 / LARGEST)
    assert fitted_temperature(-targets, targets, Classification(3)) == pytest.approx(LARGEST)


def test_labels_share_the_temperature_at_which_scipy_finds_their_loss_least():
    random = generator("labels")
    logits = torch.randn(200, 3, generator=random, dtype=torch.float64)
    targets = torch.bernoulli(logits.sigmoid(), generator=random)
    task = Multilabel(3)

    def loss(temperature):
        return task.criterion(4 * logits / temperature, targets).item()

    expected = minimize_scalar(loss, bounds=(0.05, 50), method="bounded", options={"xatol": 1e-10}).x
    assert fitted_temperature(4 * logits, targets, task) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("others", [(), (WeightAveraging(0.5),)], ids=["alone", "averaged"])
@pytest.mark.parametrize("first", [True, False])
def test_it_scales_the_scores_of_the_same_training_and_a_restored_network_has_it(tmp_path, others, first):
    """The classes stay, the temperature is fitted on validation examples as the whole list predicts them."""
    split, technique = parts(), TemperatureScaling()
    techniques = (technique, *others) if first else (*others, technique)
    for folder, listed in (("plain", others), ("scaled", techniques)):
        (tmp_path / folder).mkdir()
        train_seed(recipe(*listed), split, 0, tmp_path / folder)
    (_, plain), (_, scaled) = (finished_seed(tmp_path / folder, 0) for folder in ("plain", "scaled"))
    for part in ("validation", "test"):
        one, other = (tensors[f"predictions/{part}"] for tensors in (plain, scaled))
        assert (one.argmax(1) == other.argmax(1)).all() and not np.allclose(one, other, atol=1e-4)
    logits = torch.as_tensor(plain["predictions/validation"]).log()
    targets = torch.eye(3)[torch.as_tensor(split.labels["validation"])]
    assert scaled["weights/temperature"] == pytest.approx(
        fitted_temperature(logits, targets, Classification(3)), rel=1e-4
    )
    weights = {name.removeprefix("weights/"): value for name, value in scaled.items() if name.startswith("weights/")}
    (tmp_path / "weights").mkdir()
    save_file(
        {name: torch.as_tensor(value) for name, value in weights.items()}, tmp_path / "weights/seed-0.safetensors"
    )
    network = recipe_network(recipe(*techniques), tmp_path, split, 0)
    with torch.no_grad():
        restored = network(torch.as_tensor(split.inputs["test"])).softmax(1)
    assert np.allclose(restored, scaled["predictions/test"], atol=1e-6)
