"""Segmentation alone: the twin with which learning both tasks is compared."""

from dataclasses import dataclass
from typing import ClassVar

from reglab.experiments.multitask.base import Multitask


@dataclass(frozen=True)
class SegmentationOnly(Multitask):
    """Minimises the cross-entropy -log p(class) of the class seen at each pixel, mean over pixels.

    Source: Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation, 2015, section 4.
    """

    tasks: ClassVar[tuple[str, ...]] = ("segmentation",)
