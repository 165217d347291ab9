import copy
from types import SimpleNamespace

import pytest
import torch

from reglab.core.tasks import Classification, Regression
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.training.best_weights import BestWeights


def replay(network, curve, keeper=None):
    """The recorded weights of each epoch of a curve, which the keeper has seen."""
    recorded = []
    for epoch, nll in enumerate(curve):
        torch.nn.init.constant_(network.head.weight, epoch)
        recorded.append(copy.deepcopy(network.state_dict()))
        trainer = SimpleNamespace(callback_metrics={"validation_nll": torch.tensor(nll)}, current_epoch=epoch)
        keeper.on_train_epoch_end(trainer, SimpleNamespace(network=network))
    return recorded


@pytest.mark.parametrize(
    ("curve", "best"),
    [([3.0, 2.0, 1.0], 2), ([1.0, 2.0, 3.0], 0), ([2.0, 1.0, 1.0], 1), ([2.0, float("nan"), 1.0, 3.0], 2)],
    ids=["falling", "rising", "the first of equals", "not a number in between"],
)
def test_the_returned_weights_are_those_of_the_argmin_epoch_bit_for_bit(network, curve, best):
    keeper, learner = BestWeights(), SimpleNamespace(network=network)
    recorded = replay(network, curve, keeper)
    keeper.on_fit_end(None, learner)
    assert learner.chosen_epoch == best
    assert all(torch.equal(value, recorded[best][name]) for name, value in network.state_dict().items())


def test_what_it_keeps_survives_a_checkpoint(network, tmp_path):
    keeper = BestWeights()
    recorded = replay(network, [2.0, 1.0, 3.0], keeper)
    torch.save(keeper.state_dict(), tmp_path / "state")
    resumed, learner = BestWeights(), SimpleNamespace(network=network)
    resumed.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    resumed.on_fit_end(None, learner)
    assert learner.chosen_epoch == 1 and torch.equal(network.head.weight, recorded[1]["head.weight"])


def test_when_no_validation_loss_is_a_number_the_last_weights_stay(network):
    keeper, learner = BestWeights(), SimpleNamespace(network=network, chosen_epoch=None)
    recorded = replay(network, [float("nan"), float("inf")], keeper)
    keeper.on_fit_end(None, learner)
    assert learner.chosen_epoch is None and torch.equal(network.head.weight, recorded[-1]["head.weight"])


@pytest.mark.parametrize("task", [Classification(3), Regression(0.0, 1.0)], ids=lambda task: task.name)
def test_training_stops_when_patience_is_at_an_end(task):
    stop = EarlyStopping(patience=3).callbacks()[1]
    of_each_epoch = SimpleNamespace(val_check_interval=1.0, check_val_every_n_epoch=1)
    stop.setup(of_each_epoch, SimpleNamespace(network=SimpleNamespace(task=task)), "fit")
    strategy = SimpleNamespace(reduce_boolean_decision=lambda decision, all: decision)
    epochs = 0
    for loss in [3.0, 2.0, 2.5, 2.0, 2.1, 1.0]:  # a loss that equals the lowest is not lower
        trainer = SimpleNamespace(
            callback_metrics={f"validation_{task.loss}": torch.tensor(loss)},
            current_epoch=epochs,
            fast_dev_run=False,
            should_stop=False,
            strategy=strategy,
            world_size=1,
        )
        stop._run_early_stopping_check(trainer)
        epochs += 1
        if trainer.should_stop:
            break
    assert epochs == 5
