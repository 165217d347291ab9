"""What every entry of `multitask` is compared with."""

from reglab.evaluation.metric_comparison import ComparisonPlan

SEGMENTATION, DEPTH = "test_iou", "test_depth_rmse"


def plan(settings) -> ComparisonPlan:
    """Compares learning both tasks with learning one alone: each task with its own single-task twin."""
    variants = settings.few_scenes.labelled
    alone = {SEGMENTATION: "segmentation_only", DEPTH: "depth_only"}
    references = {}
    for name in settings.multitask:
        twins = [
            (metric, twin)
            for metric, twin in alone.items()
            if twin in settings.multitask and (name == twin or name not in alone.values())
        ]
        references["multitask", name] = {
            key: ("multitask", twin)
            for metric, twin in twins
            for key in (metric, *(f"{metric}@{variant}" for variant in variants))
        }
    return ComparisonPlan(references, {})
