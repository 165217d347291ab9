"""Early stopping: the weights of the epoch with the lowest validation loss."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning import callbacks as lightning

from reglab.regularizers.base import Regularizer


class BestWeights(Callback):
    """Keeps the network of the epoch with the lowest `validation_nll` (the first of equals) and restores it at the end."""

    def __init__(self) -> None:
        self.best = {"nll": float("inf"), "epoch": -1, "weights": {}}

    def on_train_epoch_end(self, trainer: Trainer, learner: LightningModule) -> None:
        nll = trainer.callback_metrics["validation_nll"].item()
        if nll < self.best["nll"]:
            weights = {name: value.clone() for name, value in learner.network.state_dict().items()}
            self.best = {"nll": nll, "epoch": trainer.current_epoch, "weights": weights}

    @torch.no_grad()
    def on_fit_end(self, trainer: Trainer, learner: LightningModule) -> None:
        learner.network.load_state_dict(self.best["weights"])
        learner.chosen_epoch = self.best["epoch"]

    def state_dict(self) -> dict:
        return self.best

    def load_state_dict(self, state: dict) -> None:
        self.best = state


@dataclass(frozen=True)
class EarlyStopping(Regularizer):
    """Stops after `patience` epochs without a lower validation loss and returns the weights of the lowest.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, algorithm 7.1.
    """

    patience: Annotated[int, Ge(1)] = 10

    def callbacks(self) -> list[Callback]:
        stop = lightning.EarlyStopping("validation_nll", mode="min", patience=self.patience, check_finite=False)
        return [BestWeights(), stop]
