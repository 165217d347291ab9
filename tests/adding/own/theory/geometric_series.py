"""The geometric series, as averaged weights have it."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Lt

from reglab.core.checks import Check
from reglab.core.figures import canvas
from reglab.experiments.theory.base import Finding, Topic


@dataclass(frozen=True)
class GeometricSeries(Topic):
    """sum_k ratio^k = 1 / (1 - ratio)."""

    ratio: Annotated[float, Ge(0), Lt(1)] = 0.5

    def run(self) -> Finding:
        sums = [sum(self.ratio**k for k in range(terms)) for terms in range(1, 60)]
        limit = 1 / (1 - self.ratio)
        figure, panel = canvas()
        panel.plot(sums)
        return Finding({"limit": limit}, [Check("60 terms reach the limit", abs(sums[-1] - limit), 1e-9)], figure)
