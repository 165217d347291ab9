"""Searches over settings on validation data alone: tuned recipes, sweeps of one technique, cocktails of several."""

from reglab.core.family import Family

FAMILIES = (
    Family(
        section="tuned", stage="tune", kind="tuned recipe", order=115, grows=True, has_own_names=False, module="tuned"
    ),
    Family(
        section="tuned_clean",
        stage="tune_clean",
        kind="recipe tuned on right labels",
        order=116,
        grows=True,
        has_own_names=False,
        module="tuned",
        settings="reglab.experiments.tuning.settings.TunedAgain",
        recipes_of=("tuned",),
        lists_none=True,
        needs=("label_noise",),
    ),
    Family(
        section="tuned_other_network",
        stage="tune_other_network",
        kind="recipe tuned with another network",
        order=117,
        grows=True,
        has_own_names=False,
        module="tuned",
        settings="reglab.experiments.tuning.settings.TunedOtherNetwork",
        recipes_of=("tuned",),
        lists_none=True,
    ),
    Family(section="sweeps", stage="sweep", kind="sweep", order=120, has_own_names=False, module="sweep"),
    Family(section="cocktails", stage="cocktail", kind="cocktail", order=130, module="cocktail"),
)
