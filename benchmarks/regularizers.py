"""What a training step costs under each technique, relative to none: MLP 2x256, batches of 64 digits, one thread.

    python benchmarks/regularizers.py [TECHNIQUE ...]

About a minute. The epochs of real trainings are timed, without validation, in seconds of processor time; the techniques
take turns, and of each the least disturbed turn counts. Expected on an idle core: penalties and projections
at most 1.3, dropout at most 1.5.
"""

import os
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import torch
from pytorch_lightning import Callback
from training import digits

from reglab.core import registry
from reglab.data.loader import Loader
from reglab.data.prepared import Split
from reglab.models.mlp import MLP
from reglab.training.one_seed import Recipe, examples_of, fit, learner_of
from reglab.training.settings import Training

TURNS, EPOCHS = 9, 6
TRAINING = Training(epochs=EPOCHS)


class Clock(Callback):
    """Seconds of each epoch's steps."""

    def __init__(self) -> None:
        self.seconds = []

    def on_train_epoch_start(self, *_) -> None:
        self.start = time.process_time()

    def on_train_epoch_end(self, *_) -> None:
        self.seconds.append(time.process_time() - self.start)


def technique(name: str) -> type:
    return registry.find("regularizers", name)


def seconds_per_step(name: str, split: Split) -> float:
    """Median over the epochs of a short training, the first apart."""
    recipe = Recipe((technique(name)(),), MLP(width=256, depth=2), TRAINING)
    loader, clock = Loader(examples_of(split, "labelled"), TRAINING.batch_size, seed=0), Clock()
    with TemporaryDirectory() as folder:
        fit(learner_of(recipe, split, seed=0), loader, [], Path(folder), TRAINING, [clock])
    return median(clock.seconds[1:]) / len(loader)


def main() -> None:
    torch.set_num_threads(1)
    split = digits(8)
    every = [name for name in registry.names("regularizers") if "residual_blocks" not in technique(name).needs]
    names = ["none", *(name for name in sys.argv[1:] or every if name != "none")]
    turns = [{name: seconds_per_step(name, split) for name in names} for _ in range(TURNS)]
    least = {name: min(turn[name] for turn in turns) for name in names}
    for name, seconds in least.items():
        print(f"{name:24} {seconds * 1e6:6.0f} µs  {seconds / least['none']:5.2f} x none")


if __name__ == "__main__":
    main()
