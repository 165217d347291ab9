"""Several networks that predict as one."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="ensembles",
        stage="ensemble",
        kind="ensemble",
        order=40,
        folder="experiments/ensembles/methods",
        base="reglab.experiments.ensembles.base.Ensemble",
        compared_with="none",
        grows=True,
        classifies=True,
        in_lecture=True,
        marker="s",
        color=1,
    ),
)
