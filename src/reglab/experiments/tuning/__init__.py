"""Searches over settings on validation data alone: sweeps of one technique, cocktails of several."""

from reglab.core.family import Family

FAMILIES = (
    Family(section="sweeps", stage="sweep", kind="sweep", order=120, has_own_names=False, module="sweep"),
    Family(section="cocktails", stage="cocktail", kind="cocktail", order=130, module="cocktail"),
)
