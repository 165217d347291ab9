"""Recipes in every cell of training size x label noise x width."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="regimes",
        stage="regime",
        kind="regime",
        order=140,
        settings="reglab.experiments.regimes.settings.Regimes",
        recipes_of=("regularizers",),
        lists_none=True,
    ),
)
