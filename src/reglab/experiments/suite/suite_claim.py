"""Claims over the suite: entries of `claims` in params.yaml that say `over: suite`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import MinLen

from reglab.core.wording import shown
from reglab.evaluation.metric_table import NAMES
from reglab.experiments.suite.settings import Suite


@dataclass(frozen=True)
class SuiteClaim:
    """What is asserted of all data sets, those of a `kind`, or those in `sets`: the error of `recipe`, by `metric`, is lower
    (`helps`) or higher (`hurts`) than that of `versus`. metric null: the one that decides on each data set.
    """

    says: Annotated[str, MinLen(1)]
    over: Literal["suite"]
    recipe: str
    versus: str
    direction: Literal["helps", "hurts"]
    metric: Literal[NAMES] | None = None
    kind: Literal["all", "tables", "images", "texts"] = "all"
    sets: tuple[str, ...] = ()

    def problems(self, suite: Suite) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Key, what was found and what is allowed, of what the suite has not."""
        for side in ("recipe", "versus"):
            if (entry := getattr(self, side)) not in suite.names:
                yield (side,), shown(entry), f"a recipe of the suite: {', '.join(suite.names)}"
        if self.recipe == self.versus:
            yield ("versus",), f"{self.versus}, the recipe itself", "another recipe of the suite"
        for name in self.sets:
            if name not in suite.sets:
                yield ("sets",), shown(name), f"data sets of the suite: {', '.join(suite.sets)}"
