"""Settings of `tracking`: where the runs are mirrored to."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import MinLen


@dataclass(frozen=True)
class Tracking:
    uri: Annotated[str, MinLen(1)] | None = None
    experiment: Annotated[str, MinLen(1)] = "reglab"
