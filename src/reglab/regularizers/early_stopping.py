"""Early stopping: the weights of the epoch with the lowest validation loss."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from reglab.core.checks import Check, distance
from reglab.models.mlp import MLP
from reglab.training.network import build
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class EarlyStopping(Regularizer):
    """Stops after `patience` epochs without a lower validation loss and returns w_t*, t* = argmin_t J_validation(w_t).

    Of epochs with the same loss it takes the first. No setting makes it `none`: without stopping it still chooses.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, algorithm 7.1.
    """

    lecture: ClassVar[str] = "early_stopping"
    topic: ClassVar[str] = "early_stopping"

    patience: Annotated[int, Ge(1)] = 10

    def callbacks(self) -> list:
        from reglab.training.best_weights import BestWeights, NoLowerLoss  # Lightning, whose import takes seconds

        return [BestWeights(), NoLowerLoss(self.patience)]

    @classmethod
    def checks(cls) -> list[Check]:
        curve, keeper = [0.9, 0.5, 0.7, 0.4, 0.4, float("nan"), 0.6], cls().callbacks()[0]
        learner, recorded = SimpleNamespace(network=build(MLP(depth=0), (4,), 3, seed=0)), []
        for epoch, nll in enumerate(curve):
            torch.nn.init.constant_(learner.network.head.weight, 0.1 * epoch)
            recorded.append(learner.network.head.weight.detach().clone())
            trainer = SimpleNamespace(callback_metrics={"validation_nll": torch.tensor(nll)}, current_epoch=epoch)
            keeper.on_train_epoch_end(trainer, learner)
        keeper.on_fit_end(trainer, learner)
        return [
            Check("the weights are those of the argmin epoch", distance(learner.network.head.weight, recorded[3]), 0.0),
            Check("the argmin epoch is named", abs(learner.chosen_epoch - 3), 0.0),
        ]
