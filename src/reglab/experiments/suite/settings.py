"""Settings of `suite`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

from reglab.core.bounds import Epochs, Width
from reglab.core.wording import shown
from reglab.experiments.tuning.settings import Ranges


@dataclass(frozen=True)
class SuiteClaim:
    """What is asserted of all data sets, those of a `kind`, or those in `sets`: the error of `recipe`, by `metric`, is lower
    (`helps`) or higher (`hurts`) than that of `versus`. metric null: the one that decides on each data set.
    """

    says: Annotated[str, MinLen(1)]
    recipe: str
    versus: str
    direction: Literal["helps", "hurts"]
    metric: str | None = None
    kind: Literal["all", "tables", "images", "texts"] = "all"
    sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suite:
    """The data sets, which are profiles, and what is compared on each: entries of `tuned`, of `cocktails` and of `baselines`,
    with the ranges over which these are tuned.

    Every recipe is tried with so many `settings` on the first `search_seeds` of `seeds`; a network has layers of this `width`
    and is trained for so many `epochs`. Errors within `relevant` of each other, relative to that of `none`, are equivalent.
    """

    sets: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()
    cocktails: tuple[str, ...] = ()
    baselines: dict[str, Ranges] = field(default_factory=dict)
    seeds: Annotated[int, Ge(2), Le(1_000)] = 6
    search_seeds: Annotated[int, Ge(1)] = 2
    settings: Annotated[int, Ge(2), Le(10_000)] = 8
    epochs: Epochs = 20
    width: Width = 64
    relevant: Annotated[float, Gt(0), Lt(1)] = 0.02
    claims: dict[str, SuiteClaim] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Every recipe, in the order of the columns."""
        return (*self.recipes, *self.cocktails, *self.baselines)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Key, what was found and what is allowed, of what contradicts itself."""
        if not self.sets:
            return
        for name in dict.fromkeys(self.sets):
            if self.sets.count(name) > 1:
                yield ("sets",), f"{name}, named {self.sets.count(name)} times", "each data set once"
        if len(set(self.sets)) < 2:
            yield ("sets",), shown(list(self.sets)), "at least two data sets"
        for name in dict.fromkeys(self.names):
            if self.names.count(name) > 1:
                yield ("recipes",), f"{name}, named {self.names.count(name)} times", "each recipe once"
        if "none" not in self.recipes:
            yield ("recipes",), "no none", "none among them, with which the others are compared"
        if self.search_seeds > self.seeds:
            yield ("search_seeds",), shown(self.search_seeds), f"at most {self.seeds}, the seeds that are trained"
        for key, claim in self.claims.items():
            for side in ("recipe", "versus"):
                if (entry := getattr(claim, side)) not in self.names:
                    yield ("claims", key, side), shown(entry), f"one of {', '.join(self.names)}"
            for name in claim.sets:
                if name not in self.sets:
                    yield ("claims", key, "sets"), shown(name), f"one of {', '.join(self.sets)}"
