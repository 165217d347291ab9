"""Lightning callbacks that follow the validation loss: one keeps the best weights, one ends the training."""

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EarlyStopping


def validation_loss(learner: LightningModule) -> str:
    """The name of the validation loss among the metrics of an epoch: validation_nll for classes."""
    return f"validation_{learner.network.task.loss}"


class BestWeights(Callback):
    """Keeps the network of the epoch with the lowest validation loss, the first of equal ones; restores it at the end."""

    def __init__(self) -> None:
        self.best = {"loss": float("inf"), "epoch": -1, "weights": {}}

    def on_train_epoch_end(self, trainer: Trainer, learner: LightningModule) -> None:
        loss = trainer.callback_metrics[validation_loss(learner)].item()
        if loss < self.best["loss"]:
            weights = {name: value.clone() for name, value in learner.network.state_dict().items()}
            self.best = {"loss": loss, "epoch": trainer.current_epoch, "weights": weights}

    def on_fit_end(self, trainer: Trainer, learner: LightningModule) -> None:
        if self.best["weights"]:  # no epoch is best when every validation loss was NaN or infinite
            learner.network.load_state_dict(self.best["weights"])
            learner.chosen_epoch = self.best["epoch"]

    def state_dict(self) -> dict:
        return self.best

    def load_state_dict(self, state: dict) -> None:
        self.best = state


class NoLowerLoss(EarlyStopping):
    """Ends the training after `patience` epochs without a lower validation loss."""

    def __init__(self, patience: int) -> None:
        super().__init__("validation_loss", mode="min", patience=patience, check_finite=False)

    def setup(self, trainer: Trainer, learner: LightningModule, stage: str) -> None:
        self.monitor = validation_loss(learner)
        super().setup(trainer, learner, stage)
