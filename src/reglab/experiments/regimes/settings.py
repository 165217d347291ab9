"""Settings of `regimes`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import MaxLen, MinLen

from reglab.core.bounds import Examples, Share, Width
from reglab.core.plain import entry_name, has_setting
from reglab.core.wording import shown
from reglab.data.settings import Data


@dataclass(frozen=True)
class Regimes:
    """Where the `recipes` are compared with none: every training size x label noise x width, in the steps of the study."""

    recipes: tuple[str, ...]
    train_size: Annotated[tuple[Examples, ...], MinLen(1), MaxLen(20)]
    label_noise: Annotated[tuple[Share, ...], MinLen(1), MaxLen(20)]
    width: Annotated[tuple[Width, ...], MinLen(1), MaxLen(20)]

    def problems(self, values: dict) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Key, what was found and what is allowed, of what contradicts itself or another section of params.yaml."""
        if self.recipes and "none" not in self.recipes:
            yield ("recipes",), "no none", "none among them, with which the others are compared"
        for axis in ("train_size", "label_noise", "width"):
            if list(steps := getattr(self, axis)) != sorted(set(steps)):
                yield (axis,), shown(list(steps)), "numbers that rise"
        model = values.get("model")
        if self.recipes and model and not has_setting(model, "width"):
            yield (
                ("width",),
                f"a model without a width, {entry_name(model)}",
                "a model that has one, or regimes.recipes: []",
            )

    def data_problems(self, data: Data, labels: np.ndarray, pool: int) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """The same of what the data cannot give: training sizes beyond the `pool`, what validation and test leave."""
        least, most = int(labels.max()) + 1, pool
        for size in self.train_size if self.recipes else ():
            if not least <= size <= most:
                allowed = f"from {least}, one example a class or label, to {most}, what {data.name} has left beside "
                yield ("train_size",), str(size), f"{allowed}validation_size and test_size"
