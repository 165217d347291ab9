"""Recipes of which one random stream at a time is varied."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="variance_sources",
        stage="variance_source",
        kind="variance source",
        order=150,
        settings="reglab.experiments.variance_sources.settings.VarianceSources",
        recipes_of=("regularizers", "combinations"),
    ),
)
