"""Values within the ranges that a search varies: on which scale, and to how many digits."""

from math import ceil, log2

DECADE = 10  # a range that spans this factor is searched on a logarithmic scale
DIGITS = 3  # of a strength: more say nothing


def is_range(values: tuple) -> bool:
    """Whether they are the lowest and the highest of numbers; else they are choices, such as words."""
    return len(values) == 2 and all(type(value) in (int, float) for value in values)


def is_logarithmic(low: float, high: float) -> bool:
    return low > 0 and high / low >= DECADE


def rounded(value: float, low: float, high: float) -> float:
    """The value to DIGITS significant digits, still within the range."""
    return min(max(float(f"{value:.{DIGITS}g}"), low), high)


def value_at(share: float, values: tuple, *, whole: bool = False) -> object:
    """The value at a share in [0, 1) of a range from low to high, `whole` numbers with equal shares each, or of choices.

    On a logarithmic scale a share of whole numbers is one of the logarithm, from half below the lowest to half above the
    highest.
    """
    if not is_range(values):
        return values[int(share * len(values))]
    low, high = values
    start, end = (low - 0.5, high + 0.5) if whole else (low, high)
    value = start * (end / start) ** share if is_logarithmic(low, high) else start + share * (end - start)
    return min(max(round(value), round(low)), round(high)) if whole else rounded(value, low, high)


def shares(dimensions: int, count: int, shifts: list[float]) -> list[list[float]]:
    """The first points (count, dimensions) in [0, 1) of Sobol's sequence, each dimension moved by its shift, modulo 1.

    Moved by uniform shifts, each point is uniform, and the points stay spread evenly.
    Sobol, "On the distribution of points in a cube", 1967; Cranley & Patterson, "Randomization of number theoretic methods
    for multiple integration", 1976, section 2.
    """
    from scipy.stats import qmc

    points = qmc.Sobol(dimensions, scramble=False).random_base2(ceil(log2(count)))[:count]
    return ((points + shifts) % 1.0).tolist()
