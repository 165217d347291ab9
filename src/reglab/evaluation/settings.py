"""Settings of the evaluation: `evaluation`, `comparisons` and `claims` in params.yaml."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt, MinLen

from reglab.evaluation.metric_table import NAMES


@dataclass(frozen=True)
class Evaluation:
    """`metric` of the predictions on test examples decides every verdict on classifiers, and on validation examples every
    choice; `confidence` is that of every interval. Differences of the metric below `relevant_difference` do not matter in
    practice, nor those of other metrics in its unit; null: the default in `metric_table` (`metric_names.relevance`)."""

    confidence: Annotated[float, Gt(0), Lt(1)] = 0.95
    metric: Literal[NAMES] = "accuracy"
    relevant_difference: Annotated[float, Ge(0)] | None = None

    @property
    def rule(self) -> dict:
        """What every comparison is given."""
        return {
            "confidence": self.confidence,
            "relevant_difference": self.relevant_difference,
            "metric": f"test_{self.metric}",
        }


@dataclass(frozen=True)
class Pair:
    """`recipe` is compared with `versus`, both entries that train over seeds, by `metric`, null: the one that decides."""

    recipe: str
    versus: str
    metric: str | None = None


Lecture = Literal[
    "regularization",
    "constrained_optimization",
    "norm_penalties",
    "weight_decay",
    "least_squares",
    "l1",
    "data_augmentation",
    "noise",
    "semi_supervised",
    "transfer",
    "multitask",
    "self_supervised",
    "early_stopping",
    "tying_and_sharing",
    "sparse_representations",
    "bagging",
    "boosting",
    "dropout",
    "adversarial_training",
    "learning_curves",
    "other_techniques",
]


@dataclass(frozen=True)
class Claim:
    """What is asserted before the run: `metric` of `recipe` is `higher` or `lower` than that of `versus`, or the `same`.

    `says` is the sentence, `lecture` where it stands; `versus` an entry or a number, `metric` null: the one that decides,
    `versus_metric` another metric than `metric`; of a gap, the size is meant. The same means within `margin`, null:
    `evaluation.relevant_difference`; higher and lower mean by more than it, null: by any difference that is real and not
    certainly smaller than what matters.
    """

    says: Annotated[str, MinLen(1)]
    lecture: Lecture
    recipe: str
    versus: str | float
    direction: Literal["higher", "lower", "same"]
    metric: str | None = None
    margin: Annotated[float, Gt(0)] | None = None
    versus_metric: str | None = None
