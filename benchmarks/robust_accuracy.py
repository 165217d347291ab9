"""The accuracy that AutoAttack's standard ensemble leaves of the networks of `digits_robust`, on all their test digits.

    make repro PROFILE=digits_robust
    PYTHONPATH=.venv/compared python benchmarks/robust_accuracy.py

The networks are rebuilt from the weights in the profile's records, and epsilon is the largest that its attacks name. A fold
takes about a minute. `make bench` installs AutoAttack (pyautoattack); without it, or before the profile has run, there is
nothing to attack.
"""

import os
import sys
from contextlib import chdir
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import numpy as np
import torch
from tools.others import moved_by_autoattack

from reglab.attacks.base import accuracy
from reglab.config import params
from reglab.data import prepared
from reglab.evaluation.interval import mean_interval
from reglab.experiments.robustness.trained_networks import trained_networks

PROFILE, FAMILY, RECIPE = "digits_robust", "regularizers", "adversarial_training"
FOLDER = Path(__file__).parent.parent / "profiles" / PROFILE


def left_right(network, inputs, labels, epsilon: float) -> tuple[float, float]:
    """The accuracy on the inputs, and on what the ensemble makes of them within epsilon in the maximum norm."""
    moved = moved_by_autoattack(network, inputs, labels, epsilon)
    assert (moved - inputs).abs().max() <= epsilon + 1e-6
    return accuracy(network, inputs, labels), accuracy(network, moved, labels)


def main() -> None:
    torch.set_num_threads(1)
    if moved_by_autoattack is None or not (FOLDER / "runs" / FAMILY).is_dir():
        print(f"nothing to attack: this needs pyautoattack, and make repro PROFILE={PROFILE}")
        return
    with chdir(FOLDER):
        settings, data = params.load(Path("params.yaml")), prepared.read(Path("data/study"))
        epsilon = max(settings.attacks[FAMILY].epsilons)
        network = trained_networks(settings, FAMILY)[RECIPE]
        folds = []
        for seed in range(settings.seeds):
            split = data.split(seed)
            inputs, labels = (torch.as_tensor(part["test"]) for part in (split.inputs, split.labels))
            folds.append(left_right(network(Path("runs") / FAMILY / RECIPE, split, seed), inputs, labels, epsilon))
    for name, values in zip(("unchanged", f"within {epsilon:g}"), np.array(folds).T, strict=True):
        low, high = mean_interval(values, settings.evaluation.confidence)
        print(f"{RECIPE}, {name}: {100 * values.mean():.2f} % right ({100 * low:.1f} to {100 * high:.1f})")


if __name__ == "__main__":
    main()
