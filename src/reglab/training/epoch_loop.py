"""An epoch of training and validation in Lightning's Trainer, without its bookkeeping around each batch."""

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.utilities.exceptions import SIGTERMException
from pytorch_lightning.utilities.model_helpers import is_overridden

NOT_CALLED = (  # hooks of Lightning within an epoch; those that this loop calls are not among them
    *("on_train_batch_start", "on_train_batch_end", "on_before_zero_grad", "on_before_backward", "on_after_backward"),
    *("on_before_optimizer_step", "on_validation_start", "on_validation_epoch_start", "on_validation_epoch_end"),
    *("on_validation_batch_start", "on_validation_batch_end"),
)


class EpochLoop(_TrainingEpochLoop):
    """The steps of an epoch, then one pass over each validation loader: the same numbers as Lightning's own loop, to the bit.

        for batch in training batches:
            learner.optimizer_step(epoch, index, optimizer, closure)   # closure: training_step, backward,
        for batch in validation batches:                               #          on_before_optimizer_step
            learner.validation_step(batch, index, loader)
        learner.on_validation_epoch_end()
        for callback in callbacks: callback.on_validation_end(trainer, learner)

    Lightning calls some forty functions around each batch, which take as long as the step of a small network. Batches lie
    on the device already, gradients are neither accumulated nor scaled, and nothing is logged by the step. Where a callback
    has a hook that is NOT_CALLED here, Lightning's own loop runs.
    """

    def run(self, data_fetcher) -> None:
        trainer, learner, loader = self.trainer, self.trainer.lightning_module, self.trainer.train_dataloader
        if any(is_overridden(hook, callback) for callback in trainer.callbacks for hook in NOT_CALLED):
            super().run(data_fetcher)
            return
        self.reset()
        optimizer, steps = trainer.optimizers[0], self.automatic_optimization.optim_progress.optimizer.step
        for index, batch in enumerate(loader):
            self.batch_progress.increment_by(1, is_last_batch=index + 1 == len(loader))

            def closure(batch=batch, index=index) -> torch.Tensor:
                loss = learner.training_step(batch, index)
                optimizer.zero_grad()
                loss.backward()
                learner.on_before_optimizer_step(optimizer)
                return loss

            learner.optimizer_step(trainer.current_epoch, index, optimizer, closure)
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
    learner.zero_grad()  # no gradient takes memory meanwhile
    modes = {module: module.training for module in learner.modules()}
    learner.eval()
    for number, loader in enumerate(trainer.val_dataloaders):
        for index, batch in enumerate(loader):
            learner.validation_step(batch, index, number)
    learner.on_validation_epoch_end()
    for callback in trainer.callbacks:
        callback.on_validation_end(trainer, learner)
    for module, training in modes.items():
        module.training = training
