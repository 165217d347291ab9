"""What every entry of `transfer` and `semi_supervised` is compared with."""

from reglab.evaluation.metric_comparison import ComparisonPlan
from reglab.experiments.few_labels.settings import Transfer, reference_of


def plan(settings) -> ComparisonPlan:
    """Compares with training from scratch with the same augmentation on the same labels, and with a classical method."""
    variants = settings.few_labels.labels_per_class
    decides = f"test_{settings.evaluation.metric}"
    metrics = [decides, *(f"{decides}@{variant}" for variant in variants)]
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
