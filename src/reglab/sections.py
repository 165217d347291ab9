"""The sections of params.yaml that hold plain settings, with what is allowed and the defaults."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf

# No number may be so large that reading it or the first batch fills the memory; what is slow but possible is allowed.
Examples = Annotated[int, Ge(1), Le(10_000_000)]
Epochs = Annotated[int, Ge(1), Le(100_000)]
Steps = Annotated[int, Ge(1), Le(10_000)]  # an epoch
BatchSize = Annotated[int, Ge(1), Le(65_536)]
Width = Annotated[int, Ge(1), Le(65_536)]
Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True)
class Data:
    """`name` is a file in src/reglab/data/; sizes are in examples, `label_noise` is a share of the training labels.

    `test_set`: every seed draws its own, or all share one that is `fixed`.
    """

    name: str
    train_size: Examples
    validation_size: Examples
    test_size: Examples
    label_noise: Share = 0.0
    test_set: Literal["resampled", "fixed"] = "resampled"


@dataclass(frozen=True)
class Training:
    epochs: Epochs = 100
    batch_size: BatchSize = 64
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Annotated[float, Gt(0)] = 0.001
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    accelerator: Literal["cpu", "gpu", "auto"] = "cpu"


@dataclass(frozen=True)
class Evaluation:
    """`confidence` of every interval; differences below `relevant_difference` do not matter in practice, of accuracies and of
    other metrics in their unit (`metric_names.relevance`)."""

    confidence: Annotated[float, Gt(0), Lt(1)] = 0.95
    relevant_difference: Annotated[float, Ge(0)] = 0.005


@dataclass(frozen=True)
class Scenes:
    """How many rendered images of `size` x `size` pixels for each part of a split."""

    name: ClassVar[str] = "scenes"
    label_noise: ClassVar[float] = 0.0
    test_set: ClassVar[str] = "resampled"

    size: Annotated[int, Ge(16), Le(512), MultipleOf(2)] = 32
    train_size: Annotated[int, Ge(8), Le(100_000)] = 512
    validation_size: Annotated[int, Ge(8), Le(100_000)] = 128
    test_size: Annotated[int, Ge(8), Le(100_000)] = 256

    @property
    def count(self) -> int:
        return self.train_size + self.validation_size + self.test_size


@dataclass(frozen=True)
class Text:
    """A plain text file; data/topics.txt is made from the prose that CPython ships."""

    file: Annotated[str, MinLen(1)] = "data/topics.txt"


Variants = Annotated[tuple[Examples, ...], MinLen(1), MaxLen(100)]


class FixedSteps:
    """Trained for so many `epochs` of so many `steps`, however few the examples."""

    def training(self, accelerator: str) -> "Training":
        return Training(
            epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate, accelerator=accelerator
        )


@dataclass(frozen=True)
class FewLabels(FixedSteps):
    """How every entry of `transfer` and `semi_supervised` is trained, once for each number of labels a class.

    `regularizers` are techniques that all of them share, the one from scratch too, in order of application.
    """

    model: Any
    regularizers: tuple = ()
    labels_per_class: Variants = (1, 3, 10)
    epochs: Epochs = 5
    steps: Steps = 40
    batch_size: BatchSize = 32
    learning_rate: Annotated[float, Gt(0)] = 0.01


@dataclass(frozen=True)
class FewScenes(FixedSteps):
    """How every entry of `multitask` is trained, once for each number of labelled scenes."""

    labelled: Variants = (16, 128)
    epochs: Epochs = 15
    steps: Steps = 24
    batch_size: BatchSize = 8
    learning_rate: Annotated[float, Gt(0)] = 0.02


@dataclass(frozen=True)
class Transfer:
    """A pretext's backbone, and a new head, on few labels: all is `tuned`, or the backbone stays `frozen`.

    `augment`: with the policy under `augmentation.study`. `classes`: only these are told apart; null: all.
    """

    start: str
    backbone: Literal["tuned", "frozen"] = "tuned"
    augment: bool = True
    classes: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(2), MaxLen(1_000)] | None = None


@dataclass(frozen=True)
class Attack:
    """What the recipes of a family are attacked with, on the first test `examples` of the first `seeds` seeds."""

    norm: Literal["linf", "l2"] = "linf"
    epsilons: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1), MaxLen(100)] = (0.02, 0.05, 0.1)
    examples: Annotated[int, Ge(10)] = 200
    seeds: Annotated[int, Ge(1)] = 1


@dataclass(frozen=True)
class Tuning:
    """What every sweep and every cocktail searches with: its first `seeds`, judged on validation data."""

    seeds: Annotated[int, Ge(1)] = 3


@dataclass(frozen=True)
class Cocktail:
    """A search over which `ingredients` to stack and how strongly: so many `trials`, then the best is taken apart.

    `ingredients`: entries of `regularizers` in order of application, each with the settings that vary from low to high.
    """

    ingredients: dict[str, dict[str, tuple[float, float]]]
    trials: Annotated[int, Ge(2), Le(10_000)] = 24


@dataclass(frozen=True)
class Regimes:
    """Where the `recipes` are compared with none: every training size x label noise x width, in the steps of the study."""

    recipes: tuple[str, ...]
    train_size: Annotated[tuple[Examples, ...], MinLen(1), MaxLen(20)]
    label_noise: Annotated[tuple[Share, ...], MinLen(1), MaxLen(20)]
    width: Annotated[tuple[Width, ...], MinLen(1), MaxLen(20)]


@dataclass(frozen=True)
class VarianceSources:
    """Recipes of which one random stream at a time is varied."""

    recipes: tuple[str, ...]


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


@dataclass(frozen=True)
class Tracking:
    uri: Annotated[str, MinLen(1)] | None = None
    experiment: Annotated[str, MinLen(1)] = "reglab"
