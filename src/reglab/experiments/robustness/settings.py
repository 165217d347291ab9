"""Settings of an entry of `attacks`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, MaxLen, MinLen


@dataclass(frozen=True)
class Attack:
    """What the recipes of a family are attacked with, on the first test `examples` of the first `seeds` seeds."""

    norm: Literal["linf", "l2"] = "linf"
    epsilons: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1), MaxLen(100)] = (0.02, 0.05, 0.1)
    examples: Annotated[int, Ge(10)] = 200
    seeds: Annotated[int, Ge(1)] = 1
