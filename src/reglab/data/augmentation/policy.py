"""The declared augmentation of a data set: the largest changes of its inputs that keep their labels."""

from dataclasses import dataclass, fields
from math import log1p, radians
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le, Lt
from torch import Tensor

from reglab.core.streams import Moment
from reglab.data.augmentation.appearance import recolor, rectangles
from reglab.data.augmentation.corruption import add_noise, swap
from reglab.data.augmentation.geometry import affine, crop, mirror, places, sides, warp


@dataclass(frozen=True)
class Policy:
    """An entry of `augmentation:` in params.yaml: the largest change of each kind, drawn uniformly; 0 changes nothing.

    Rotation and shear are in degrees either way, translation in shares of the side, scale between 1/(1 + scale) and
    1 + scale, flip the probability of swapping left and right, crop the largest share of the area that is cut away before
    the rest is enlarged. Brightness, contrast and saturation are factors between 1 - strength and 1 + strength, noise is a
    standard deviation in units of `data.spread`, erasing the share of the area under a rectangle of zeros, from three times
    as high as wide to three times as wide. Outside the image lie zeros, its border, or its reflection (`padding_mode`).

    Inputs of any shape, rows of a table too, can have noise, and `swap`: the probability with which each of their numbers is
    that of another example.
    """

    of_any_shape: ClassVar[tuple[str, ...]] = ("noise", "swap")  # what inputs that are no images can have

    rotation: Annotated[float, Ge(0), Le(180)] = 0.0
    translation: Annotated[float, Ge(0), Le(1)] = 0.0
    scale: Annotated[float, Ge(0), Le(10)] = 0.0
    shear: Annotated[float, Ge(0), Lt(90)] = 0.0
    flip: Annotated[float, Ge(0), Le(1)] = 0.0
    crop: Annotated[float, Ge(0), Lt(1)] = 0.0
    brightness: Annotated[float, Ge(0), Le(1)] = 0.0
    contrast: Annotated[float, Ge(0), Le(1)] = 0.0
    saturation: Annotated[float, Ge(0), Le(1)] = 0.0
    noise: Annotated[float, Ge(0)] = 0.0
    erasing: Annotated[float, Ge(0), Le(1)] = 0.0
    swap: Annotated[float, Ge(0), Le(1)] = 0.0
    padding_mode: Literal["zeros", "border", "reflection"] = "zeros"

    @property
    def needs_images(self) -> bool:
        """Whether it changes what only images have: places, colours, areas."""
        return any(getattr(self, name) for name in STRENGTHS if name not in self.of_any_shape)

    def __call__(
        self,
        images: Tensor,
        moment: Moment,
        indices: Tensor,
        examples: int,
        stream: str = "augmentation",
        spread: np.ndarray | None = None,
    ) -> Tensor:
        """Augment float inputs (batch, *shape) at this moment; arguments as for `augment`."""
        return self.augment(images, None, None, moment, indices, examples, stream, spread)[0]

    def augment(
        self,
        images: Tensor,  # (batch, channels, height, width) float
        masks: Tensor | None,  # (batch, height, width), with or without channels, any type
        depth: Tensor | None,  # the same
        moment: Moment,
        indices: Tensor,  # (batch,) which of the part's `examples` these are
        examples: int,
        stream: str = "augmentation",
        spread: np.ndarray | None = None,  # the unit of noise, as in `data.spread`
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Augment images; masks and depth follow their geometry, with the value of the nearest pixel.

        Keyed by (seed, stream, epoch, example): an example is changed in one way per epoch, in any batch; noise and
        swaps are keyed by step. Where an epoch shows an example again, pass `replace(moment, epoch=moment.step)`.
        Another stream gives another view.
        """
        height, width = sides(images) if self.needs_images else (0, 0)
        if any((self.rotation, self.translation, self.scale, self.shear, self.flip, self.crop)):
            draws = moment.uniform(f"{stream}/geometry", indices, 9, examples).to(images.dtype)
            seen_at = places(self.maps(draws, height, width), height, width)
            images = warp(images, seen_at, padding_mode=self.padding_mode)
            masks, depth = (
                None if values is None else warp(values, seen_at, nearest=True, padding_mode=self.padding_mode)
                for values in (masks, depth)
            )
        if any((self.brightness, self.contrast, self.saturation)):
            draws = 2 * moment.uniform(f"{stream}/colour", indices, 3, examples).to(images.dtype) - 1
            images = recolor(
                images, *(1 + draws * draws.new_tensor((self.brightness, self.contrast, self.saturation))).T
            )
        if self.noise:
            images = add_noise(images, self.noise, moment.generator(f"{stream}/noise", images.device), spread)
        if self.swap:
            images = swap(images, self.swap, moment.generator(f"{stream}/swap", images.device))
        if self.erasing:
            aspect, x, y = moment.uniform(f"{stream}/erasing", indices, 3, examples).T
            share = aspect.new_full(aspect.shape, self.erasing)
            images = images.masked_fill(rectangles(share, 9**aspect / 3, x, y, height, width), 0)
        return images, masks, depth

    def maps(self, draws: Tensor, height: int, width: int) -> Tensor:
        """The affine maps (batch, 2, 3) of uniform draws (batch, 9)."""
        largest = (radians(self.rotation), log1p(self.scale), radians(self.shear))
        largest += (self.translation * width, self.translation * height, 1, 1)
        swings = (2 * draws[:, :7] - 1) * draws.new_tensor(largest)
        rotation, growth, shear, right, down, x, y = swings.unbind(1)
        maps = affine(rotation, growth.exp(), shear, right, down)
        if self.flip:
            maps = mirror(maps, draws[:, 7] < self.flip)
        if self.crop:
            maps = crop(maps, 1 - self.crop * draws[:, 8], x, y, height, width)
        return maps


STRENGTHS = tuple(field.name for field in fields(Policy) if field.name != "padding_mode")
