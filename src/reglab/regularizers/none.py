"""No regularization: the baseline that every comparison is against."""

from dataclasses import dataclass
from typing import ClassVar

from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class NoRegularizer(Regularizer):
    """Changes nothing."""

    lecture: ClassVar[str] = "regularization"
    off: ClassVar[dict] = {}
