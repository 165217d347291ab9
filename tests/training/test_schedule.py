"""The learning rate of each step against closed forms and torch's own schedulers, in whole trainings."""

from dataclasses import dataclass, replace
from math import cos, pi
from typing import ClassVar

import numpy as np
import pytest
import torch

from reglab.data.loader import Loader, whole
from reglab.models.mlp import MLP
from reglab.regularizers.l1 import L1
from reglab.technique_checks.workbench import CLASSES, SHAPE, difference, parts, trained
from reglab.training.network import build
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.regularizer import Regularizer
from reglab.training.schedule import factor
from reglab.training.settings import Training

RATE, EPOCHS, STEPS = 0.2, 4, 12  # 12 examples in batches of five: three steps an epoch
SETTINGS = Training(epochs=EPOCHS, batch_size=5, optimizer="sgd", learning_rate=RATE, momentum=0.5)


@dataclass(frozen=True)
class Rates(Regularizer):
    """Notes the learning rates that `after_step` receives."""

    seen: ClassVar[list] = []

    def after_step(self, network, learning_rate):
        self.seen.append(learning_rate)


def rates(folder, **settings):
    Rates.seen.clear()
    recipe = Recipe((Rates(),), MLP(width=4, depth=1), replace(SETTINGS, **settings))
    folder.mkdir(exist_ok=True)
    train_seed(recipe, parts(), 0, folder)
    return list(Rates.seen)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, lambda step: 1.0),
        ({"schedule": "cosine"}, lambda step: (1 + cos(pi * step / 12)) / 2),
        ({"warmup_epochs": 1.0}, lambda step: min((step + 1) / 3, 1)),
        ({"warmup_epochs": 0.5}, lambda step: min((step + 1) / 2, 1)),  # one and a half steps are rounded to two
        (
            {"schedule": "cosine", "warmup_epochs": 2.0},
            lambda step: (step + 1) / 6 if step < 6 else (1 + cos(pi * (step - 6) / 6)) / 2,
        ),
    ],
    ids=["constant", "cosine", "warm-up", "warm-up of half an epoch", "cosine after a warm-up"],
)
def test_techniques_receive_the_learning_rate_of_the_closed_form_after_each_step(tmp_path, settings, expected):
    result = rates(tmp_path, **settings)
    assert len(result) == STEPS
    assert np.allclose(result, [RATE * expected(step) for step in range(STEPS)], rtol=1e-15, atol=0)


@pytest.mark.parametrize("warmup", [1, 4, 9])
def test_factors_are_those_of_torchs_schedulers_one_after_the_other(warmup):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    rising = torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warmup, total_iters=max(warmup - 1, 1))
    result = []
    for _ in range(warmup):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        rising.step()
    falling_optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(falling_optimizer, T_max=20 - warmup)
    for _ in range(20 - warmup):
        result.append(falling_optimizer.param_groups[0]["lr"])
        falling_optimizer.step()
        falling.step()
    assert np.allclose(result, [factor("cosine", step, 20, warmup) for step in range(20)], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("optimizer", "nesterov"), [("sgd", False), ("sgd", True), ("adam", False)])
def test_a_scheduled_training_is_a_loop_with_torchs_own_optimizer_and_scheduler(tmp_path, optimizer, nesterov):
    settings = replace(SETTINGS, optimizer=optimizer, schedule="cosine", nesterov=nesterov)
    model = MLP(width=4, depth=1)
    train_seed(Recipe((), model, settings), parts(), 0, tmp_path)
    result = finished_seed(tmp_path, 0)[1]
    network = build(model, SHAPE, CLASSES, seed=0)
    torch_optimizer = (
        torch.optim.Adam(network.parameters(), RATE, fused=True)
        if optimizer == "adam"
        else torch.optim.SGD(network.parameters(), RATE, momentum=0.5, nesterov=nesterov)
    )
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(torch_optimizer, T_max=STEPS)
    loader = Loader(whole(parts().inputs["labelled"], parts().labels["labelled"], CLASSES), 5, seed=0)
    for epoch in range(EPOCHS):
        loader.set_epoch(epoch)
        for batch in loader:
            torch_optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(batch.inputs), batch.targets).backward()
            torch_optimizer.step()
            falling.step()
    for name, value in network.state_dict().items():
        assert np.allclose(result[f"weights/{name}"], value, rtol=0, atol=1e-6), name


def test_nesterovs_momentum_and_heavy_ball_momentum_differ():
    plain, nesterov = (trained(optimizer="sgd", momentum=0.5, nesterov=each)[1] for each in (False, True))
    assert difference(plain, nesterov)


@pytest.mark.parametrize("settings", [{"schedule": "cosine"}, {"warmup_epochs": 2.5}, {"nesterov": True}], ids=str)
@pytest.mark.parametrize("interrupt", [1, 2])
def test_a_killed_training_goes_on_with_the_learning_rates_of_its_steps(settings, interrupt):
    undisturbed = trained(L1(0.1), epochs=4, **settings)
    resumed = trained(L1(0.1), epochs=4, interrupt=interrupt, **settings)
    assert undisturbed[0] == resumed[0] and undisturbed[2] == resumed[2]
    assert undisturbed[1].keys() == resumed[1].keys() and not difference(undisturbed[1], resumed[1])
    assert difference(undisturbed[1], trained(L1(0.1), epochs=4)[1])


def test_the_default_settings_train_at_one_learning_rate_without_nesterov():
    assert Training().scheduled is False and Training().nesterov is False
    assert Training(schedule="cosine").scheduled and Training(warmup_epochs=0.5).scheduled
