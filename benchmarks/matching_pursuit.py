"""Orthogonal matching pursuit of 1,000 signals at once against scikit-learn's orthogonal_mp_gram, signal by signal.

    python benchmarks/matching_pursuit.py

About 40 seconds. All run in one process on one thread, in turn, on the same random problem in float64, with the same
codes; ours computes the Gram matrix and the products that scikit-learn is given. Processor time. scikit-learn takes many
signals in one call too, and loops inside. Expected: ours takes at most a tenth of the loop's time, a fifth of the call's.
"""

import os
import sys
import time
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import numpy as np
import torch
from sklearn.linear_model import orthogonal_mp_gram
from tools.ratios import save, spread

from reglab.experiments.theory.topics.matching_pursuit import keep_largest, pursue

TURNS, SIGNALS = 7, 1000
SIZES = ((64, 128, 8), (64, 256, 16), (256, 512, 16))  # features, atoms, non-zeros


def seconds(work) -> tuple[float, np.ndarray]:
    start = time.process_time()
    codes = work()
    return time.process_time() - start, np.asarray(codes)


def compare(features: int, atoms: int, active: int, random: torch.Generator) -> None:
    signals, dictionary = (
        torch.randn(shape, generator=random, dtype=torch.float64) for shape in ((SIGNALS, features), (features, atoms))
    )
    dictionary /= dictionary.norm(dim=0)
    gram, products = (dictionary.T @ dictionary).numpy(), (signals @ dictionary).numpy()

    def loop() -> np.ndarray:
        return np.stack([orthogonal_mp_gram(gram, row, n_nonzero_coefs=active) for row in products])

    def call() -> np.ndarray:
        return orthogonal_mp_gram(gram, products.T, n_nonzero_coefs=active).T

    turns = []
    for _ in range(TURNS):
        runs = [seconds(work) for work in (lambda: pursue(signals, dictionary, active), loop, call)]
        turns.append([time for time, _ in runs])
        assert np.abs(runs[0][1] - runs[1][1]).max() < 1e-10
    ours, looped, called = (1e3 * median(column) for column in zip(*turns, strict=True))
    against = {name: spread([(turn[0], turn[at]) for turn in turns]) for at, name in ((1, "a loop"), (2, "one call"))}
    print(
        f"{features:4} features {atoms:4} atoms {active:3} non-zeros   ours {ours:6.1f} ms   scikit-learn: loop "
        f"{looped:7.1f} ms, one call {called:7.1f} ms: {against}"
    )
    for name, ratio in against.items():
        save(
            {f"matching pursuit of 1,000 signals, {atoms} atoms, {active} taken, against {name} of scikit-learn": ratio}
        )


def main() -> None:
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    for sizes in SIZES:
        compare(*sizes, random)
    basis = torch.linalg.qr(torch.randn(64, 64, generator=random, dtype=torch.float64)).Q
    signals = torch.randn(SIGNALS, 64, generator=random, dtype=torch.float64)
    methods = pursue, keep_largest
    times = [[seconds(lambda of=of: of(signals, basis, 16))[0] for of in methods] for _ in range(TURNS)]
    general, fast = (1e3 * median(column) for column in zip(*times, strict=True))
    print(f"orthonormal, 64 atoms, 16 non-zeros: general {general:.1f} ms, k largest products {fast:.1f} ms")


if __name__ == "__main__":
    main()
