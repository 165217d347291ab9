"""One or several tasks on rendered scenes."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="multitask",
        stage="multitask",
        kind="multitask",
        order=90,
        folder="experiments/multitask/methods",
        base="reglab.experiments.multitask.base.Multitask",
        compared_with="reference",
        in_lecture=True,
    ),
)
