"""What a training step costs under each technique, relative to none: MLP 2x256, batches of 64 digits, one thread.

    python benchmarks/regularizers.py [TECHNIQUE ...]

About a minute. Lightning's real loop is timed, epoch by epoch, without validation, in seconds of processor time; the
techniques take turns, and of each the least disturbed turn counts. Expected on an idle core: penalties and projections
at most 1.15, dropout at most 1.5.
"""

import os
import sys
import time
from pathlib import Path
from statistics import median
from types import SimpleNamespace

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import torch
from pytorch_lightning import Callback, Trainer

from reglab.core import registry
from reglab.data.loader import Batch, Loader, whole
from reglab.data.sources.digits import load
from reglab.models.mlp import MLP
from reglab.training.one_seed import Recipe, learner_of, silence_lightning

TURNS, EPOCHS = 9, 6
TRAINING = SimpleNamespace(
    epochs=EPOCHS, batch_size=64, optimizer="adam", learning_rate=1e-3, momentum=0.0, accelerator="cpu"
)


class Clock(Callback):
    """Seconds of each epoch's steps."""

    def __init__(self) -> None:
        self.seconds = []

    def on_train_epoch_start(self, *_) -> None:
        self.start = time.process_time()

    def on_train_epoch_end(self, *_) -> None:
        self.seconds.append(time.process_time() - self.start)


def seconds_per_step(technique: str, examples: Batch) -> float:
    """Median over the epochs of a short training, the first apart."""
    recipe = Recipe((registry.find("regularizers", technique)(),), MLP(width=256, depth=2), TRAINING, classes=10)
    learner, loader, clock = (
        learner_of(recipe, (1, 8, 8), seed=0),
        Loader(examples, TRAINING.batch_size, seed=0),
        Clock(),
    )
    trainer = Trainer(
        max_epochs=EPOCHS,
        accelerator="cpu",
        callbacks=[clock],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(learner, loader)
    return median(clock.seconds[1:]) / len(loader)


def main() -> None:
    torch.set_num_threads(1)
    silence_lightning()
    inputs, labels = load()
    examples = whole(inputs[:900], labels[:900], classes=10)
    names = ["none", *(name for name in sys.argv[1:] or registry.names("regularizers") if name != "none")]
    turns = [{name: seconds_per_step(name, examples) for name in names} for _ in range(TURNS)]
    least = {name: min(turn[name] for turn in turns) for name in names}
    for name, seconds in least.items():
        print(f"{name:24} {seconds * 1e6:6.0f} µs  {seconds / least['none']:5.2f} x none")


if __name__ == "__main__":
    main()
