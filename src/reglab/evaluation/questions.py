"""What every entry of the other families is compared with: the questions that params.yaml asks beside the first one."""

from reglab.demands import reference_of
from reglab.evaluation.by_metric import Question
from reglab.sections import Transfer

SEGMENTATION, DEPTH = "test_iou", "test_depth_rmse"


def questions(settings) -> list[Question]:
    """`settings` are the `Params`; Holm's correction is within a metric of a question."""
    return [pretexts(settings), few_labels(settings), several_tasks(settings)]


def pretexts(settings) -> Question:
    """Are the learned features better than random ones? For pretexts on images, by either probe."""
    scratch = ("pretraining", "scratch")
    probes = dict.fromkeys(("test_linear_probe", "test_neighbour_probe"), scratch)
    on_images = {name for name, pretext in settings.pretraining.items() if pretext.source != "text"}
    asked = on_images if "scratch" in on_images else set()
    return Question({("pretraining", name): probes if name in asked else {} for name in settings.pretraining}, {})


def few_labels(settings) -> Question:
    """Does it beat training from scratch with the same augmentation on the same labels? And a classical method?"""
    budgets = settings.few_labels.labels_per_class
    metrics = ["test_accuracy", *(f"test_accuracy@{budget}" for budget in budgets)]
    transfers = settings.transfer
    found = {
        ("transfer", name): dict.fromkeys(metrics, ("transfer", reference_of(entry, transfers)))
        for name, entry in transfers.items()
    }
    scratch = reference_of(Transfer("scratch"), transfers)
    for name in settings.semi_supervised:
        found["semi_supervised", name] = dict.fromkeys(metrics if scratch else (), ("transfer", scratch))
    same_task = [key for key in found if key[0] != "transfer" or transfers[key[1]].classes is None]
    rivals = [("semi_supervised", name) for name, own in settings.semi_supervised.items() if own.classical]
    return Question(found, {key: rival for rival in rivals for key in same_task if key != rival})


def several_tasks(settings) -> Question:
    """Does learning both tasks beat learning the one alone? For each task against its own single-task twin."""
    budgets = settings.few_scenes.labelled
    alone = {SEGMENTATION: "segmentation_only", DEPTH: "depth_only"}
    found = {}
    for name in settings.multitask:
        asked = [
            (metric, twin)
            for metric, twin in alone.items()
            if twin in settings.multitask and (name == twin or name not in alone.values())
        ]
        found["multitask", name] = {
            key: ("multitask", twin)
            for metric, twin in asked
            for key in (metric, *(f"{metric}@{budget}" for budget in budgets))
        }
    return Question(found, {})
