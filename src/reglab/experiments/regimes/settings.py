"""Settings of `regimes`."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import MaxLen, MinLen

from reglab.core.bounds import Examples, Share, Width


@dataclass(frozen=True)
class Regimes:
    """Where the `recipes` are compared with none: every training size x label noise x width, in the steps of the study."""

    recipes: tuple[str, ...]
    train_size: Annotated[tuple[Examples, ...], MinLen(1), MaxLen(20)]
    label_noise: Annotated[tuple[Share, ...], MinLen(1), MaxLen(20)]
    width: Annotated[tuple[Width, ...], MinLen(1), MaxLen(20)]
