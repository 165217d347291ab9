"""Settings of the evaluation: `evaluation`, `comparisons` and `claims` in params.yaml."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt, MinLen


@dataclass(frozen=True)
class Evaluation:
    """`confidence` of every interval; differences below `relevant_difference` do not matter in practice, of accuracies and of
    other metrics in their unit (`metric_names.relevance`)."""

    confidence: Annotated[float, Gt(0), Lt(1)] = 0.95
    relevant_difference: Annotated[float, Ge(0)] = 0.005


@dataclass(frozen=True)
class Pair:
    """`recipe` is compared with `versus`, both names of entries that train over seeds."""

    recipe: str
    versus: str
    metric: str = "test_accuracy"


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

    `says` is the sentence, `lecture` where it stands; `versus` an entry or a number, `versus_metric` another metric than
    `metric`; of a gap, the size is meant. The same means within `margin`, null: `evaluation.relevant_difference`; higher and
    lower mean by more than it, null: by any difference that is real and not certainly smaller than what matters.
    """

    says: Annotated[str, MinLen(1)]
    lecture: Lecture
    metric: str
    recipe: str
    versus: str | float
    direction: Literal["higher", "lower", "same"]
    margin: Annotated[float, Gt(0)] | None = None
    versus_metric: str | None = None
