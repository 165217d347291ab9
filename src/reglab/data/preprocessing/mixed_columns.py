"""Inputs of a table, numbers and levels, and their preparation, fitted on the training part of a seed alone.

Numbers: missing ones become the median, with an indicator beside them; then they are scaled. `robust` is the scaling with a
soft clip of Holzmüller, Grinsztajn, Steinwart (2024), "Better by default" (RealMLP), section 3: x <- (x - median) / range
between the quartiles (half of the range from lowest to highest where the quartiles are equal), x <- x / sqrt(1 + (x/3)^2),
which lies within -3 and 3. Levels become one column each; a level with fewer than RARE training rows is counted in the
column "other" of its variable, a missing one is zero in all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

from reglab.data.scaling import CLIP, Scaling

RARE = 5  # training rows
ROWS = 65_536  # rows that are transformed at once


@dataclass(frozen=True)
class TablePreprocessor:
    """Fitted parameters of p numbers and q variables with levels.

    median, center, scale (p,); indicated (r,): the numbers with an indicator of missing values; clip (): the bound of the
    soft clip, infinite where there is none; places (levels,): the one-hot column of every level, variable after variable,
    which start at `starts` (q + 1,).
    """

    median: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    clip: np.ndarray
    indicated: np.ndarray
    places: np.ndarray
    starts: np.ndarray

    def transform(self, inputs: "TableInputs") -> np.ndarray:
        """(n, p + r + levels + q) float32: numbers, indicators, for each variable a column a level and one for the rest."""
        numbers, width = self.median.size + self.indicated.size, self.starts[-1] + self.starts.size - 1
        features = np.zeros((len(inputs), numbers + width), np.float32)
        for first in range(0, len(inputs), ROWS):
            part = slice(first, first + ROWS)
            values, codes, out = inputs.numeric[part], inputs.codes[part], features[part]
            missing = np.isnan(values)
            scaled = (np.where(missing, self.median, values) - self.center) / self.scale
            out[:, : self.median.size] = scaled / np.sqrt(1 + (scaled / self.clip) ** 2)
            out[:, self.median.size : numbers] = missing[:, self.indicated]
            for variable, start in enumerate(self.starts[:-1]):
                rows = np.flatnonzero(codes[:, variable] >= 0)
                out[rows, numbers + self.places[start + codes[rows, variable]]] = 1
        return features

    def tensors(self) -> dict[str, np.ndarray]:
        return {name: np.asarray(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class TableInputs:
    """numeric (n, p) float64 with NaN where missing; codes (n, q) int32 of levels, -1 where missing.

    `names` are those of the columns, the numbers first; `missing` names the numbers that may be missing; `levels` are those
    of each of the q variables.
    """

    numeric: np.ndarray
    codes: np.ndarray
    names: tuple[str, ...]
    missing: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    scaling: Scaling = "robust"

    def __len__(self) -> int:
        return len(self.numeric)

    @property
    def unscaled(self) -> int:
        """How many columns, the first ones, keep the unit of the data; indicators and levels are 0 or 1."""
        return self.numeric.shape[1] if self.scaling == "none" else 0

    def take(self, rows: np.ndarray) -> Self:
        return type(self)(self.numeric[rows], self.codes[rows], self.names, self.missing, self.levels, self.scaling)

    def fit(self) -> TablePreprocessor:
        numbers = self.numeric.shape[1]
        median, center, scale = np.zeros(numbers), np.zeros(numbers), np.ones(numbers)
        fitted = column_transformer(numbers, self.levels, self.scaling).fit(np.hstack([self.numeric, self.codes]))
        if numbers:
            steps = fitted.named_transformers_["numeric"]
            steps = dict(steps.steps) if hasattr(steps, "steps") else {"simpleimputer": steps}
            median = steps["simpleimputer"].statistics_
            if "robustscaler" in steps:
                center, scale = steps["robustscaler"].center_, steps["robustscaler"].scale_
                scale = where_quartiles_are_equal(np.where(np.isnan(self.numeric), median, self.numeric), scale)
            if "standardscaler" in steps:
                center, scale = steps["standardscaler"].mean_, steps["standardscaler"].scale_
        counts = [len(levels) for levels in self.levels]
        places = np.concatenate([np.zeros(0, np.int64), *level_places(fitted, counts)])
        return TablePreprocessor(
            median=np.asarray(median, np.float64),
            center=np.asarray(center, np.float64),
            scale=np.asarray(scale, np.float64),
            clip=np.float64(CLIP if self.scaling == "robust" else np.inf),
            indicated=np.array([self.names.index(name) for name in self.missing], np.int64),
            places=places,
            starts=np.cumsum([0, *counts]),
        )

    def tensors(self) -> dict[str, np.ndarray]:
        return {"numeric": self.numeric, "codes": self.codes}

    def description(self) -> dict[str, Any]:
        of_columns = {"names": list(self.names), "missing": list(self.missing), "levels": list(map(list, self.levels))}
        return {"kind": "mixed_columns", "scaling": self.scaling} | of_columns

    @classmethod
    def restore(cls, tensors: dict[str, np.ndarray], description: dict[str, Any]) -> Self:
        levels = tuple(map(tuple, description["levels"]))
        of_columns = tuple(description["names"]), tuple(description["missing"]), levels
        return cls(tensors["numeric"], tensors["codes"], *of_columns, description["scaling"])

    def preprocessor(self, tensors: dict[str, np.ndarray]) -> TablePreprocessor:
        return TablePreprocessor(**tensors)


def column_transformer(numbers: int, levels: Sequence[Sequence[str]], scaling: Scaling) -> ColumnTransformer:
    """What scikit-learn fits to the numbers followed by the codes, without indicators and soft clip."""
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    scaler = {"robust": [RobustScaler()], "standard": [StandardScaler()], "none": []}[scaling]
    encoder = OneHotEncoder(
        categories=[np.arange(len(each), dtype=np.float64) for each in levels],
        min_frequency=RARE,
        handle_unknown="ignore",  # -1, a missing level
        sparse_output=True,
    )
    parts = [("numeric", make_pipeline(imputer, *scaler), list(range(numbers)))] * bool(numbers)
    parts += [("levels", encoder, list(range(numbers, numbers + len(levels))))] * bool(levels)
    return ColumnTransformer(parts)


def where_quartiles_are_equal(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The scales (p,) with half of the range of values (n, p) where quartiles are equal, 1 where all values are."""
    low, high = np.percentile(values, (25, 75), axis=0)
    spread = np.ptp(values, axis=0) / 2
    return np.where(high > low, scale, np.where(spread > 0, spread, 1.0))


def level_places(fitted: ColumnTransformer, counts: Sequence[int]) -> list[np.ndarray]:
    """For each variable the one-hot column (levels,) of each of its levels; rare ones share the last one of the variable."""
    if not counts:
        return []
    result, first = [], 0
    for count, rare in zip(counts, fitted.named_transformers_["levels"].infrequent_categories_, strict=True):
        places = first + np.arange(count)
        if rare is not None:
            places[rare.astype(np.int64)] = first + count
        result.append(places)
        first += count + 1
    return result
