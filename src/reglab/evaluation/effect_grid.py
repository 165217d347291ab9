"""The grid of effects on which the hierarchical comparison integrates.

Everything is in cells: cell j has its centre at j - (cells - 1)/2, so that zero is a boundary. The effect of a set is
integrated out by a convolution of its likelihood with the distribution S t_v of effects around their location.
"""

from functools import cached_property

import numpy as np
import scipy  # whose part `special` is imported when it is first used

LEAST = 1e-14  # of a likelihood, of which the logarithm is taken: above the rounding of the Fourier transform
NEGLIGIBLE = 1e-7  # of the posterior mass


class EffectGrid:
    """Of so many `cells`, with `freedoms` v and `scales` S of the distribution of effects, both equally far apart in the
    logarithm; the smallest scale leaves all effects in one cell, the largest is beyond the width of the grid."""

    freedoms = 1 + 0.08 * 4.0 ** np.arange(6)  # from 1.08 to 83

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.centres = np.arange(cells) - (cells - 1) / 2
        self.boundaries = np.arange(cells + 1) - cells / 2
        self.scales = 0.25 * 1.5 ** np.arange(np.ceil(np.log(6 * cells) / np.log(1.5)))

    @cached_property
    def tails(self) -> np.ndarray:
        """(freedoms, scales, 2 cells + 1): the mass of S t_v above each boundary from -cells + 1/2 to cells + 1/2."""
        beyond = (np.arange(self.cells + 1) + 0.5) / self.scales[:, None]
        upper = np.stack([scipy.special.stdtr(freedom, -beyond) for freedom in self.freedoms])
        return np.concatenate([1 - upper[..., -2::-1], upper], axis=-1)

    @cached_property
    def transformed(self) -> np.ndarray:
        """(freedoms, scales, cells + 1): the Fourier transform of the mass of S t_v in cells; real, for it is symmetric."""
        mass = -np.diff(self.tails)  # of the cells from -cells + 1 to cells
        return np.fft.rfft(np.roll(mass, 1 - self.cells, axis=-1)).real

    def likelihoods(self, y: np.ndarray, s: np.ndarray, freedom: np.ndarray) -> np.ndarray:
        """(sets, cells): the likelihood of an effect in each cell, the mean over the cell."""
        ends = (self.boundaries - y[:, None]) / s[:, None]
        student = scipy.special.stdtr(np.minimum(freedom, 1e9)[:, None], ends)
        below = np.where(np.isinf(freedom)[:, None], scipy.special.ndtr(ends), student)
        return np.diff(below)

    def convolved(self, likelihood: np.ndarray) -> np.ndarray:
        """(freedoms, scales, cells): the likelihood (cells,) of the location m given v and S."""
        product = np.fft.rfft(likelihood, 2 * self.cells) * self.transformed
        return np.maximum(np.fft.irfft(product, 2 * self.cells)[..., : self.cells], LEAST)

    def of_others(self, weights: np.ndarray, marginal: np.ndarray) -> np.ndarray:
        """(cells,): the mass of m + S t_v without one set, from the weights (freedoms, scales, cells) of v, S and m with it
        and its likelihood `marginal` of them. Pairs of v and S that have next to no weight are left out."""
        kept = weights.sum(2) > NEGLIGIBLE
        product = (np.fft.rfft(weights[kept] / marginal[kept], 2 * self.cells) * self.transformed[kept]).sum(0)
        return np.maximum(np.fft.irfft(product, 2 * self.cells)[: self.cells], 0)

    def next_set(self, weights: np.ndarray, region: float) -> tuple[float, float, float]:
        """The probabilities that m + S t_v is above, within and below the region, with what lies beyond the grid."""

        def above(boundary: int) -> float:  # that lies so many cells above zero
            first = self.cells // 2 + boundary
            return float((weights * self.tails[..., first : first + self.cells][..., ::-1]).sum())

        whole, part = int(region), region - int(region)
        helps = (1 - part) * above(whole) + part * above(whole + 1)
        hurts = 1 - ((1 - part) * above(-whole) + part * above(-whole - 1))
        return helps, max(1 - helps - hurts, 0.0), hurts

    def interval(self, mass: np.ndarray, confidence: float) -> tuple[float, float, float]:
        """The mean, and the ends of the central interval, of mass (cells,)."""
        below = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
        low, high = np.interp([(1 - confidence) / 2, (1 + confidence) / 2], below, self.boundaries)
        return float(mass @ self.centres / mass.sum()), float(low), float(high)
