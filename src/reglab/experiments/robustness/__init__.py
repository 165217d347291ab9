"""Trained networks under attack, and whether the attack can be believed."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="attacks",
        stage="attack",
        kind="attack",
        order=110,
        settings="reglab.experiments.robustness.settings.Attack",
        named_after=("regularizers", "combinations", "ensembles", "transfer"),  # the families that can be attacked
        has_own_names=False,
        needs=("one_target",),  # what is counted under attack is an example that stays right, or its error
        anchor="attack",
        has_own_section=True,
    ),
)
