"""The epoch loop: the numbers of Lightning's own, the hooks between epochs, and the end within an epoch."""

import importlib.metadata
import os
import signal
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pytorch_lightning import Callback
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch.nn import functional

from reglab.data.loader import Batch, Loader, Whole, whole
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.input_noise import InputNoise
from reglab.tracking.journal import Journal
from reglab.training.learner import TaskLearner
from reglab.training.network import build
from reglab.training.one_seed import fit
from reglab.training.regularizer import Regularizer
from reglab.training.supervised import Supervised

TRAINING = SimpleNamespace(
    epochs=4, batch_size=7, optimizer="adam", learning_rate=0.01, scheduled=False, accelerator="cpu"
)
STEPS = 6  # an epoch: 40 examples


class Decaying(TaskLearner):
    """Has a scheduler of Lightning, which moves after each step, and a frozen layer in evaluation mode."""

    def __init__(self, network, seed):
        super().__init__(network, TRAINING, seed)
        self.task = network.task
        self.network.backbone[0].eval()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.network.parameters(), 0.1)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def training_step(self, batch, batch_index=0):
        return self.accumulate(functional.cross_entropy(self.network(batch.inputs), batch.targets))


class Batches(Callback):
    """Acts on every batch, so that Lightning's own loop runs."""

    def __init__(self):
        self.seen = 0

    def on_train_batch_end(self, *_):
        self.seen += 1


class InOrder:
    """Batches of ten examples in their order."""

    def __init__(self, examples):
        self.batches = [Batch(*part) for part in zip(*(values.split(10) for values in examples[:3]), strict=True)]

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return iter(self.batches)


@pytest.fixture(scope="module")
def parts():
    random = np.random.default_rng(0)
    labels = {name: random.integers(0, 3, size) for name, size in (("labelled", 40), ("validation", 25))}
    inputs = {name: random.normal(size=(len(each), 1, 4, 4)).astype(np.float32) for name, each in labels.items()}
    return {name: whole(inputs[name], labels[name], 3) for name in labels}


def network():
    return build(MLP(width=16, depth=2), (1, 4, 4), 3, seed=0)


def supervised(*techniques):
    return Supervised(network(), techniques, TRAINING, seed=0)


def trained(learner, parts, folder, *callbacks):
    """The state after a training with a second validation loader of several batches, its curves and its outcome."""
    folder.mkdir()
    validation = [InOrder(parts["validation"]), Whole(parts["labelled"])]
    callbacks = [
        *callbacks,
        *(each for technique in getattr(learner, "regularizers", ()) for each in technique.callbacks()),
    ]
    outcome = fit(learner, Loader(parts["labelled"], 7, seed=0), validation, folder, TRAINING, callbacks, every=0.0)
    lines = Journal(folder / "seed-0.jsonl").lines
    return learner.network.state_dict(), [line["metrics"] for line in lines], outcome


LEARNERS = {
    "plain": supervised,
    "noise": lambda: supervised(InputNoise(0.3), Dropout(0.2, 0.5)),
    "stopping": lambda: supervised(EarlyStopping(patience=1), Dropout(0.2, 0.5)),
    "decaying": lambda: Decaying(network(), seed=0),
}


@pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)
def test_every_bit_is_that_of_lightnings_own_loop_which_a_callback_on_batches_brings_back(tmp_path, parts, learner):
    counted = Batches()
    state, curves, outcome = trained(learner(), parts, tmp_path / "ours")
    theirs, their_curves, their_outcome = trained(learner(), parts, tmp_path / "lightning", counted)
    assert counted.seen == outcome["epochs"] * STEPS
    assert all(torch.equal(state[name], theirs[name]) for name in theirs)
    assert curves == their_curves and outcome == their_outcome


def test_a_scheduler_moves_after_every_step(tmp_path, parts):
    learner = Decaying(network(), seed=0)
    trained(learner, parts, tmp_path / "one")
    assert learner.optimizers().param_groups[0]["lr"] == pytest.approx(0.1 / (1 + TRAINING.epochs * STEPS))


def test_a_layer_in_evaluation_mode_stays_so_and_the_others_return_to_training(tmp_path, parts):
    learner, modes = Decaying(network(), seed=0), []

    class Noted(Callback):
        def on_validation_end(self, trainer, learner):
            modes.append([layer.training for layer in learner.network.hidden_layers])

        def on_train_epoch_end(self, trainer, learner):
            modes.append([layer.training for layer in learner.network.hidden_layers])

    trained(learner, parts, tmp_path / "one", Noted())
    assert modes == [[False, False], [False, True]] * TRAINING.epochs


def test_the_mean_of_several_validation_batches_is_that_of_their_examples(tmp_path, parts):
    learner = supervised()
    _, curves, _ = trained(learner, parts, tmp_path / "one")
    with torch.no_grad():
        scores = learner.network.eval()(parts["validation"].inputs)
    expected = functional.cross_entropy(scores, parts["validation"].targets).item()
    assert curves[-1]["validation_nll"] == pytest.approx(expected, rel=1e-6)  # batches of 10, 10 and 5


@dataclass(frozen=True)
class Terminated(Regularizer):
    """Ends the process that trains, as `kill` does, before one of its steps."""

    step: int

    def after_step(self, network, learning_rate):
        if network.moment.step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_termination_ends_the_training_within_the_epoch_and_it_goes_on_to_the_same_bits(tmp_path, parts):
    undisturbed, *_ = trained(supervised(Dropout()), parts, tmp_path / "undisturbed")
    learner, folder = supervised(Terminated(2 * STEPS + 2), Dropout()), tmp_path / "terminated"
    with pytest.raises(SIGTERMException):
        trained(learner, parts, folder)
    assert learner.network.moment.step == 2 * STEPS + 2  # no step after the signal
    assert len(Journal(folder / "seed-0.jsonl").lines) == 2
    again = supervised(Dropout())
    fit(again, Loader(parts["labelled"], 7, seed=0), [Whole(parts["validation"])], folder, TRAINING)
    assert all(torch.equal(value, undisturbed[name]) for name, value in again.network.state_dict().items())


def test_no_callback_of_another_installed_package_takes_part(tmp_path, parts, monkeypatch):
    looked_for = []
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **which: looked_for.append(which["group"]) or [])
    trained(supervised(), parts, tmp_path / "one")
    assert "pytorch_lightning.callbacks_factory" not in looked_for
