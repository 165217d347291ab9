"""Plans what every entry of the families that are not compared with `none` is compared with, from params.yaml."""

from reglab.evaluation.metric_comparison import ComparisonPlan
from reglab.experiments.few_labels.comparisons import few_labels
from reglab.experiments.multitask.comparisons import several_tasks
from reglab.experiments.pretraining.comparisons import pretexts


def comparison_plans(settings) -> list[ComparisonPlan]:
    """All plans of the study. `settings` are the `Params`; Holm's correction is within a metric of a plan."""
    return [pretexts(settings), few_labels(settings), several_tasks(settings)]
