"""A Lightning callback that restores the weights of the best epoch."""

from pytorch_lightning import Callback, LightningModule, Trainer


class BestWeights(Callback):
    """Keeps the network of the epoch with the lowest `validation_nll`, the first of equal ones; restores it at the end."""

    def __init__(self) -> None:
        self.best = {"nll": float("inf"), "epoch": -1, "weights": {}}

    def on_train_epoch_end(self, trainer: Trainer, learner: LightningModule) -> None:
        nll = trainer.callback_metrics["validation_nll"].item()
        if nll < self.best["nll"]:
            weights = {name: value.clone() for name, value in learner.network.state_dict().items()}
            self.best = {"nll": nll, "epoch": trainer.current_epoch, "weights": weights}

    def on_fit_end(self, trainer: Trainer, learner: LightningModule) -> None:
        if self.best["weights"]:  # no epoch is best when every validation loss was NaN or infinite
            learner.network.load_state_dict(self.best["weights"])
            learner.chosen_epoch = self.best["epoch"]

    def state_dict(self) -> dict:
        return self.best

    def load_state_dict(self, state: dict) -> None:
        self.best = state
