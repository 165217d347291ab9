"""Recipes trained on random splits of data that are split by group or in time: what ignoring the structure would claim."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="random_split",
        stage="random_split",
        kind="random split",
        order=160,
        settings="reglab.experiments.random_split.settings.RandomSplit",
        recipes_of=("regularizers", "combinations"),
    ),
)
