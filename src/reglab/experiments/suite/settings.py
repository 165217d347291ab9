"""Settings of `suite`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from reglab.core.bounds import Epochs, Width
from reglab.core.wording import shown
from reglab.experiments.tuning.settings import Ranges


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
    seeds: Annotated[int, Ge(3), Le(1_000)] = 6  # the fewest of which the hierarchical comparison knows an error
    search_seeds: Annotated[int, Ge(1)] = 2
    settings: Annotated[int, Ge(2), Le(10_000)] = 8
    epochs: Epochs = 20
    width: Width = 64
    relevant: Annotated[float, Gt(0), Lt(1)] = 0.02

    @property
    def sections(self) -> dict[str, tuple[str, ...]]:
        """By section of params.yaml, its entries that are recipes of the suite."""
        return {"tuned": self.recipes, "cocktails": self.cocktails, "baselines": tuple(self.baselines)}

    @property
    def names(self) -> tuple[str, ...]:
        """Every recipe, in the order of the sections."""
        return tuple(name for names in self.sections.values() for name in names)

    def section_of(self, recipe: str) -> str:
        """The section of params.yaml that has this recipe."""
        return next(section for section, names in self.sections.items() if recipe in names)

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
