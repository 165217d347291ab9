"""Runs Lightning's Trainer on one training, quietly, with its checkpoint at the end of epochs."""

import logging
import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint

from reglab.training.data_parallel import Ranks
from reglab.training.epoch_loop import shorten_epochs
from reglab.training.settings import TrainerSettings


class EpochCheckpoint(Checkpoint):
    """At the end of an epoch, if `every` seconds have gone by, replaces the checkpoint at `path`, atomically.

    A training about to stop is not saved: resumed, it would go an epoch too far.
    """

    def __init__(self, path: Path, every: float) -> None:
        self.path, self.every, self.saved = path, every, time.monotonic()

    def on_train_epoch_end(self, trainer: Trainer, learner: LightningModule) -> None:
        due = not trainer.should_stop and time.monotonic() - self.saved >= self.every
        if not trainer.strategy.broadcast(due):  # all processes of a training save it together
            return
        partial = self.path.with_suffix(".partial")
        trainer.save_checkpoint(partial)
        if trainer.is_global_zero:
            os.replace(partial, self.path)
        self.saved = time.monotonic()


def silence_lightning() -> None:
    """Turn off Lightning's notes about devices and loaders."""
    for package in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(package).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", module="lightning_fabric")


def run_trainer(
    learner: LightningModule,
    batches,
    validation: list,
    checkpoint: Path,
    training,
    callbacks: Sequence[Callback],
    every: float,
    ranks: Ranks | None = None,
) -> None:
    """Train with Lightning, from the checkpoint if there is one; with `ranks`, this process's share.

    A training on several machines has no checkpoint, for only one of them would have the file.
    """
    silence_lightning()
    given = getattr(training, "trainer", None)
    settings = given or TrainerSettings()
    resumable = settings.num_nodes == 1
    trainer = Trainer(
        max_epochs=training.epochs,
        accelerator=training.accelerator,
        devices=settings.devices,
        num_nodes=settings.num_nodes,
        strategy=settings.strategy,
        precision=settings.precision,
        plugins=[ranks] if ranks else None,
        use_distributed_sampler=False,  # loaders know their share
        callbacks=[*callbacks, *([EpochCheckpoint(checkpoint, every)] if resumable else [])],
        logger=False,
        enable_checkpointing=resumable,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    if given is None:
        shorten_epochs(trainer)
    trainer.fit(learner, batches, validation, ckpt_path=checkpoint if resumable and checkpoint.exists() else None)
    if trainer.interrupted or trainer.received_sigterm:  # Lightning returns as if the training were complete
        raise InterruptedError("the training was interrupted")
