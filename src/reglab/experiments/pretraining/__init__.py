"""Pretexts: what is learned without the labels of the task to come."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="pretraining",
        stage="pretraining",
        kind="pretext",
        order=60,
        folder="experiments/pretraining/methods",
        base="reglab.experiments.pretraining.base.Pretext",
        compared_with="reference",
    ),
)
