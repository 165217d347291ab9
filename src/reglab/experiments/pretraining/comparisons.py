"""What every pretext is compared with."""

from reglab.evaluation.metric_comparison import ComparisonPlan


def plan(settings) -> ComparisonPlan:
    """Compares the features of pretexts on the study's data with random ones and with raw inputs, by either probe."""
    scratch, raw = (("pretraining", name) for name in ("scratch", "raw_inputs"))
    probes = dict.fromkeys(("test_linear_probe", "test_neighbour_probe"), scratch)
    on_images = {name for name, pretext in settings.pretraining.items() if pretext.source != "text"}
    compared = on_images if "scratch" in on_images else set()
    compared -= {raw[1]}  # no pretext, but what all should beat
    references = {("pretraining", name): probes if name in compared else {} for name in settings.pretraining}
    rivals = {("pretraining", name): raw for name in compared} if raw[1] in settings.pretraining else {}
    return ComparisonPlan(references, rivals)
