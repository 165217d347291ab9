"""Plans what every entry of the families that are not compared with `none` is compared with, from params.yaml."""

from reglab.demands import reference_of
from reglab.evaluation.metric_comparison import ComparisonPlan
from reglab.sections import Transfer

SEGMENTATION, DEPTH = "test_iou", "test_depth_rmse"


def comparison_plans(settings) -> list[ComparisonPlan]:
    """All plans of the study. `settings` are the `Params`; Holm's correction is within a metric of a plan."""
    return [pretexts(settings), few_labels(settings), several_tasks(settings)]


def pretexts(settings) -> ComparisonPlan:
    """Compares the features of pretexts on images with random ones, by either probe."""
    scratch = ("pretraining", "scratch")
    probes = dict.fromkeys(("test_linear_probe", "test_neighbour_probe"), scratch)
    on_images = {name for name, pretext in settings.pretraining.items() if pretext.source != "text"}
    compared = on_images if "scratch" in on_images else set()
    references = {("pretraining", name): probes if name in compared else {} for name in settings.pretraining}
    return ComparisonPlan(references, {})


def few_labels(settings) -> ComparisonPlan:
    """Compares with training from scratch with the same augmentation on the same labels, and with a classical method."""
    budgets = settings.few_labels.labels_per_class
    metrics = ["test_accuracy", *(f"test_accuracy@{budget}" for budget in budgets)]
    transfers = settings.transfer
    references = {
        ("transfer", name): dict.fromkeys(metrics, ("transfer", reference_of(entry, transfers)))
        for name, entry in transfers.items()
    }
    scratch = reference_of(Transfer("scratch"), transfers)
    for name in settings.semi_supervised:
        references["semi_supervised", name] = dict.fromkeys(metrics if scratch else (), ("transfer", scratch))
    same_task = [key for key in references if key[0] != "transfer" or transfers[key[1]].classes is None]
    rivals = [("semi_supervised", name) for name, method in settings.semi_supervised.items() if method.classical]
    return ComparisonPlan(references, {key: rival for rival in rivals for key in same_task if key != rival})


def several_tasks(settings) -> ComparisonPlan:
    """Compares learning both tasks with learning one alone: each task with its own single-task twin."""
    budgets = settings.few_scenes.labelled
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
            for key in (metric, *(f"{metric}@{budget}" for budget in budgets))
        }
    return ComparisonPlan(references, {})
