"""Settings of `pretext_tuning`: the budget with which every pretext is tuned."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le

Rate = Annotated[float, Gt(0)]
SearchRanges = dict[str, tuple]  # setting -> its lowest and highest number, or words of which one is chosen


@dataclass(frozen=True)
class PretextTuning:
    """Of every pretext with a `search` so many `settings` are tried on the first `seeds`, over these learning rates.

    The settings with the best linear probe on validation examples are learned on all seeds.
    """

    settings: Annotated[int, Ge(2), Le(1_000)] = 4
    seeds: Annotated[int, Ge(1)] = 2
    learning_rate: tuple[Rate, Rate] = (0.0005, 0.01)
