"""An epoch of training and validation in Lightning's Trainer, without its bookkeeping around each batch."""

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.trainer.connectors import callback_connector
from pytorch_lightning.utilities.exceptions import SIGTERMException
from pytorch_lightning.utilities.model_helpers import is_overridden

NOT_CALLED = (  # Lightning's hooks within an epoch, apart from those that EpochLoop calls
    *("on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "on_before_backward", "on_after_backward"),
    *("on_before_optimizer_step", "on_validation_start", "on_validation_epoch_start", "on_validation_epoch_end"),
    *("on_validation_batch_start", "on_validation_batch_end"),
)

# Callbacks that other installed packages register are no part of a training. To look for them takes as long as an epoch.
callback_connector._load_external_callbacks = lambda group: []


def shorten_epochs(trainer: Trainer) -> None:
    """Let the trainer run its epochs as an EpochLoop, unless one of its callbacks has a hook that is NOT_CALLED there."""
    if not any(is_overridden(hook, callback) for callback in trainer.callbacks for hook in NOT_CALLED):
        trainer.fit_loop.epoch_loop = EpochLoop(trainer)


class EpochLoop(_TrainingEpochLoop):
    """The steps of an epoch, then one pass over each validation loader: the numbers of Lightning's own loop, to the bit.

        for batch in training batches:
            loss = learner.training_step(batch, index)
            loss.backward()
            learner.on_before_optimizer_step(optimizer)
            learner.optimizer_step(epoch, index, optimizer)
        for batch in validation batches:
            learner.validation_step(batch, index, loader)
        learner.on_validation_epoch_end()
        for callback in callbacks: callback.on_validation_end(trainer, learner)

    Lightning calls some forty functions around each batch, which take as long as the step of a small network. Here batches
    lie on the device already, gradients are neither accumulated nor scaled, and the step logs nothing.
    """

    def run(self, data_fetcher) -> None:
        self.reset()
        trainer, learner, loader = self.trainer, self.trainer.lightning_module, self.trainer.train_dataloader
        optimizer, steps = trainer.optimizers[0], self.automatic_optimization.optim_progress.optimizer.step
        for index, batch in enumerate(loader):
            self.batch_progress.increment_by(1, is_last_batch=index + 1 == len(loader))
            optimizer.zero_grad()
            loss = learner.training_step(batch, index)
            loss.backward()
            learner.on_before_optimizer_step(optimizer)
            learner.optimizer_step(trainer.current_epoch, index, optimizer, lambda loss=loss: loss)
            steps.increment_completed()  # the number of the step that comes next
            self.update_lr_schedulers("step", update_plateau_schedulers=False)
            if trainer.received_sigterm and not self.batch_progress.is_last_batch:
                raise SIGTERMException
        if self._should_check_val_epoch() and trainer.val_dataloaders:
            validate(trainer)


@torch.no_grad()
def validate(trainer: Trainer) -> None:
    """Evaluate the learner on every validation loader, in evaluation mode, and let the callbacks see the result."""
    learner = trainer.lightning_module
    trainer.optimizers[0].zero_grad()  # no gradient takes memory meanwhile
    in_evaluation_mode = [module for module in learner.modules() if not module.training]
    learner.eval()
    for number, loader in enumerate(trainer.val_dataloaders):
        for index, batch in enumerate(loader):
            learner.validation_step(batch, index, number)
    learner.on_validation_epoch_end()
    for callback in trainer.callbacks:
        callback.on_validation_end(trainer, learner)
    learner.train()
    for module in in_evaluation_mode:
        module.training = False
