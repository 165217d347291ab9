"""Transfer and semi-supervised learning with a few labels."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="transfer",
        stage="transfer",
        kind="transfer",
        order=70,
        settings="reglab.experiments.few_labels.settings.Transfer",
        compared_with="reference",
        classifies=True,
    ),
    Family(
        section="semi_supervised",
        stage="semi_supervised",
        kind="semi-supervised",
        order=80,
        folder="experiments/few_labels/methods",
        base="reglab.experiments.few_labels.base.SemiSupervised",
        compared_with="reference",
        classifies=True,
    ),
)
