"""Depth alone: the reference for methods that learn both tasks."""

from dataclasses import dataclass
from typing import ClassVar

from reglab.experiments.multitask.base import Multitask


@dataclass(frozen=True)
class DepthOnly(Multitask):
    """Minimises the absolute error |d - depth| of the depth d, mean over pixels.

    Source: Carvalho, Le Saux, Trouvé-Peloux, Almansa and Champagnat, On Regression Losses for Deep Depth Estimation, 2018.
    """

    tasks: ClassVar[tuple[str, ...]] = ("depth",)
