"""Settings of `tracking`: the MLflow server and experiment of the mirrored runs."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import MinLen


@dataclass(frozen=True)
class Tracking:
    uri: Annotated[str, MinLen(1)] | None = None
    experiment: Annotated[str, MinLen(1)] = "reglab"
    seeds: bool | None = None  # whether every seed is a run too; None: in a database of one's own, not on a server
