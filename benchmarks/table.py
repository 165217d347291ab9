"""What training on a table of 100,000 rows costs, relative to a plain loop over a DataLoader and to one over index batches.

    python benchmarks/table.py [ROWS]

Six minutes. MLP 2x64, 30 columns, ten classes, 20 epochs in batches of 256; all three take turns in one process with one
thread, and each turn counts in seconds of processor time, from the initial weights to the last prediction. All evaluate
both parts after every epoch. The loop over index batches sees the same batches, and the benchmark ends with an error where
its weights or curves differ.
"""

import os
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import torch
from tools.ratios import cpu_seconds, save, spread
from torch.utils.data import DataLoader, TensorDataset
from training import compare, plain_training

from reglab.core import registry
from reglab.data.prepared import Split
from reglab.models.mlp import MLP
from reglab.training.one_seed import Recipe, train_seed
from reglab.training.settings import Training

TURNS, ROWS, HELD_OUT, COLUMNS, CLASSES = 3, 100_000, 5_000, 30, 10
NETWORK, TRAINING = MLP(width=64, depth=2), Training(epochs=20, batch_size=256, learning_rate=0.002)


def table(rows: int) -> Split:
    """Normal columns; the class is the largest output of a random network."""
    random = torch.Generator().manual_seed(0)
    sizes = {"labelled": rows, "validation": HELD_OUT, "test": HELD_OUT}
    hidden, output = torch.randn(COLUMNS, 50, generator=random), torch.randn(50, CLASSES, generator=random)
    inputs = {part: torch.randn(size, COLUMNS, generator=random) for part, size in sizes.items()}
    labels = {part: ((each @ hidden).tanh() @ output).argmax(1).numpy() for part, each in inputs.items()}
    numbers = {part: torch.arange(size).numpy() for part, size in sizes.items()}
    return Split({part: each.numpy() for part, each in inputs.items()}, labels, numbers, classes=CLASSES)


def loaded_batches(inputs, labels, training: Training, epoch: int):
    """The batches of an epoch as a DataLoader gives them."""
    return DataLoader(TensorDataset(inputs, labels), training.batch_size, shuffle=True)


def main() -> None:
    torch.set_num_threads(1)
    rows = int(sys.argv[1]) if sys.argv[1:] else ROWS
    split = table(rows)
    recipe = Recipe((registry.find("regularizers", "none")(),), NETWORK, TRAINING)
    turns = []
    for _ in range(TURNS):
        with TemporaryDirectory() as name:
            results = []
            ours = cpu_seconds(lambda folder=Path(name): train_seed(recipe, split, 0, folder))
            indexed = cpu_seconds(lambda kept=results: kept.extend(plain_training(split, NETWORK, TRAINING)))
            loader = cpu_seconds(partial(plain_training, split, NETWORK, TRAINING, batches=loaded_batches))
            compare(Path(name), *results)
        turns.append((ours, loader, indexed))
        print(f"{rows:,} rows: ours {ours:.1f} s, over a DataLoader {loader:.1f} s, over index batches {indexed:.1f} s")
    over_loader, over_index = (spread([(turn[0], turn[other]) for turn in turns]) for other in (1, 2))
    print(f"against a DataLoader {over_loader}, against index batches {over_index}")
    save(
        {
            f"table of {rows:,} rows, against a loop over a DataLoader": over_loader,
            f"table of {rows:,} rows, against a loop over index batches": over_index,
        }
    )


if __name__ == "__main__":
    main()
