"""The closed forms of the lecture, computed, checked and drawn."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="theory",
        stage="theory",
        kind="theory",
        order=100,
        folder="experiments/theory/topics",
        base="reglab.experiments.theory.base.Topic",
        has_own_names=False,
        anchor="topic",
    ),
)
