"""Settings of `variance_sources`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VarianceSources:
    """Recipes of which one random stream at a time is varied."""

    recipes: tuple[str, ...]
