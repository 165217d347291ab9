"""A kind of inputs for tests, the least that one must have: numbers of which the mean of the training part is subtracted."""

import sys
from dataclasses import dataclass

import numpy as np

KIND = "centred_columns"
sys.modules[f"reglab.data.preprocessing.{KIND}"] = sys.modules[__name__]  # where prepared data looks for it


@dataclass(frozen=True)
class Columns:
    """Numbers of which the mean of the training part is subtracted."""

    numbers: np.ndarray

    def __len__(self):
        return len(self.numbers)

    def take(self, rows):
        return Columns(self.numbers[rows])

    def fit(self):
        return Centred(self.numbers.mean(0))

    def tensors(self):
        return {"numbers": self.numbers}

    def description(self):
        return {"kind": KIND}

    @classmethod
    def restore(cls, tensors, description):
        return cls(tensors["numbers"])

    def preprocessor(self, tensors):
        return Centred(tensors["mean"])


@dataclass(frozen=True)
class Centred:
    mean: np.ndarray

    def transform(self, inputs):
        return (inputs.numbers - self.mean).astype(np.float32)

    def tensors(self):
        return {"mean": self.mean}
