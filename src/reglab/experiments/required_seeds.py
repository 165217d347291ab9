"""Checks from params.yaml alone whether there are enough seeds for a verdict."""

import re
from dataclasses import replace

from reglab.core.families import sections
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_comparison import planned_metrics
from reglab.evaluation.statistics import smallest_p, smallest_seeds
from reglab.experiments.catalogue import modules

AT_LOOKS = (  # what may get more seeds
    "comparisons with none",
    "comparisons of tuned recipes",
    "comparisons of recipes tuned on right labels",
    "comparisons of recipes tuned with another network",
)


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


def unreachable_looks(settings) -> list[str]:
    """A line where a look cannot reject one of the most comparisons that are corrected together: the exact test of so few
    seeds has no p-value that is small enough for what may be spent there."""
    if not settings.looks:
        return []
    looks, counts = settings.looks, comparison_counts(settings)
    kind = max(AT_LOOKS, key=lambda kind: counts[kind])
    level = (1 - settings.evaluation.confidence) / max(counts[kind], 1)
    place = first_unreachable(looks, level)
    if place is None:
        return []
    size, spent = looks.sizes[place], looks.nominal(level)[place]
    firsts = (replace(looks, first=first) for first in range(looks.first + 1, looks.most - looks.looks + 2))
    enough = next((each.first for each in firsts if first_unreachable(each, level) is None), None)
    allowed = f"a seeds.first of {enough} or more" if enough else "a larger seeds.most, or fewer recipes"
    needed = f"{counted(counts[kind], kind)} {'needs' if counts[kind] == 1 else 'need'} {spent:.2g}"
    found = f"a look at {size} seeds, where the exact test has no p-value below {smallest_p(size):.2g} and {needed}"
    return [f"params.yaml: seeds: found {found}; allowed: {allowed}"]


def first_unreachable(looks: Looks, level: float) -> int | None:
    """The place of the first look whose nominal level, of this overall one, is below every p-value of its exact test."""
    nominal = looks.nominal(level)
    return next((place for place, size in enumerate(looks.sizes) if smallest_p(size) > nominal[place]), None)
