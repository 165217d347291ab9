"""Classical methods on the same splits as the networks."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="baselines",
        stage="baseline",
        kind="classical",
        order=10,
        folder="experiments/baselines/methods",
        base="reglab.experiments.baselines.base.Baseline",
        compared_with="none",
        classifies=True,
        classical=True,
        marker="^",
    ),
)
