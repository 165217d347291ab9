"""Prepared data of three classes that differ in their mean alone, small enough to train on in a test."""

from pathlib import Path

import numpy as np

from reglab.data import prepared
from reglab.data.prepared import Prepared
from reglab.data.settings import Data


def blobs(folder: Path, *, seeds: int, examples: int = 120, apart: float = 1.0, **sizes) -> Prepared:
    """Images of 4 x 4 with noise of deviation 1 about the mean `apart` times the class; `sizes` are those of `Data`."""
    labels = np.tile(np.arange(3), examples // 3)
    means = apart * labels[:, None, None, None]
    inputs = np.random.default_rng(0).normal(size=(examples, 1, 4, 4)) + means
    settings = Data(name="blobs", **{"label_noise": 0.2} | sizes)
    prepared.write(folder, settings, inputs.astype(np.float32), labels, seeds=seeds)
    return prepared.read(folder)
