"""Recipes: one technique, or several that are combined, trained with every seed."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="regularizers",
        stage="train",
        kind="regularizer",
        order=20,
        folder="regularizers",
        base="reglab.training.regularizer.Regularizer",
        compared_with="none",
        grows=True,
        classifies=True,
        in_lecture=True,
        marker="o",
        color=0,
    ),
    Family(
        section="combinations",
        stage="combine",
        kind="combination",
        order=30,
        compared_with="none",
        grows=True,
        classifies=True,
        marker="D",
        color=2,
    ),
)
