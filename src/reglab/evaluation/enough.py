"""Whether there are seeds enough for a verdict, told from params.yaml alone."""

from reglab.evaluation.by_metric import metrics_of
from reglab.evaluation.comparison import CLASSICAL, COMPARED
from reglab.evaluation.questions import questions
from reglab.evaluation.searches import NO_TECHNIQUE
from reglab.evaluation.statistics import smallest_seeds


def comparisons(settings) -> dict[str, int]:
    """How many comparisons Holm's method corrects together, the most where it is several times; by what they are.

    `settings` are the `Params`.
    """
    networks = [name for family in COMPARED if family != CLASSICAL for name in getattr(settings, family)]
    found = {"comparisons with none": len(networks) - 1}
    for question in questions(settings):
        references = question.references
        asked = [
            sum(own.get(metric, key) != key for key, own in references.items()) for metric in metrics_of(references)
        ]
        families = " and ".join(dict.fromkeys(family for family, _ in references))
        found[f"comparisons of {families}"] = max(asked, default=0)
    regimes = settings.regimes
    cells = len(regimes.train_size) * len(regimes.label_noise) * len(regimes.width)
    found["cells of regimes"] = cells * max(len(regimes.recipes) - 1, 0)
    found["comparisons of sweeps"] = len(settings.sweeps)
    mixed = [
        1 + 2 * len(cocktail.ingredients) for cocktail in settings.cocktails.values()
    ]  # all, all but one, one alone
    found["comparisons of cocktails"] = sum(mixed)
    techniques = len(set(settings.regularizers) - set(NO_TECHNIQUE))
    single = [techniques + len(cocktail.ingredients) for cocktail in settings.cocktails.values()]
    found["single techniques beside cocktails"] = sum(single)
    return found | {"pairs under comparisons": len(settings.comparisons), "claims": len(settings.claims)}


def too_few_seeds(settings) -> list[str]:
    """A warning for each kind of comparison whose exact test cannot reach the level after Holm's correction."""
    level, lines = 1 - settings.evaluation.confidence, []
    for kind, count in comparisons(settings).items():
        needed = smallest_seeds(count, level) if count else 0
        if settings.seeds < needed:
            lines.append(
                f"params.yaml: seeds: {settings.seeds} are too few for {count} {kind} at confidence "
                f"{settings.evaluation.confidence:g}: no difference can be called real; set seeds to {needed} or more"
            )
    return lines
