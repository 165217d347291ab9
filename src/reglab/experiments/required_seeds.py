"""Checks from params.yaml alone whether there are enough seeds for a verdict."""

import re

from reglab.core.families import sections
from reglab.evaluation.metric_comparison import planned_metrics
from reglab.evaluation.statistics import smallest_seeds
from reglab.experiments.catalogue import modules


def comparison_counts(settings) -> dict[str, int]:
    """The number of comparisons that Holm's method corrects together, by kind; the largest where there are several.

    `settings` are the `Params`.
    """
    networks = [
        name for family in sections(compared_with="none", classical=False) for name in getattr(settings, family)
    ]
    counts = {"comparisons with none": len(networks) - 1}
    for plan in [module.plan(settings) for module in modules("comparisons")]:
        by_metric = [
            sum(references.get(metric, key) != key for key, references in plan.references.items())
            for metric in planned_metrics(plan)
        ]
        families = " and ".join(dict.fromkeys(family for family, _ in plan.references))
        counts[f"comparisons of {families}"] = max(by_metric, default=0)
    for module in modules("evaluate"):
        counts |= module.comparison_counts(settings)
    return counts | {"pairs under comparisons": len(settings.comparisons), "claims": len(settings.claims)}


def counted(count: int, kind: str) -> str:
    """1 single technique beside cocktails, 2 single techniques beside cocktails."""
    return f"{count} {kind if count != 1 else re.sub(r's$|s(?= )', '', kind, count=1)}"


def too_few_seeds(settings) -> list[str]:
    """A warning for each kind of comparison whose exact test cannot reach the level after Holm's correction."""
    level, warnings = 1 - settings.evaluation.confidence, []
    for kind, count in comparison_counts(settings).items():
        needed = smallest_seeds(count, level) if count else 0
        if settings.seeds < needed:
            warnings.append(
                f"params.yaml: seeds: found {settings.seeds}, too few for {counted(count, kind)} at confidence "
                f"{settings.evaluation.confidence:g}: no difference can be called real; set seeds to {needed} or more"
            )
    return warnings
