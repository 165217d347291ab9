"""What every pretext is compared with."""

from reglab.evaluation.metric_comparison import ComparisonPlan


def plan(settings) -> ComparisonPlan:
    """Compares the features of pretexts on images with random ones, by either probe."""
    scratch = ("pretraining", "scratch")
    probes = dict.fromkeys(("test_linear_probe", "test_neighbour_probe"), scratch)
    on_images = {name for name, pretext in settings.pretraining.items() if pretext.source != "text"}
    compared = on_images if "scratch" in on_images else set()
    references = {("pretraining", name): probes if name in compared else {} for name in settings.pretraining}
    return ComparisonPlan(references, {})
