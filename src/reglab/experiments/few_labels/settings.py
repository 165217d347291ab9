"""Settings of `few_labels` and of the entries of `transfer`."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt, MaxLen, MinLen

from reglab.core.bounds import BatchSize, Epochs, Steps, Variants
from reglab.training.settings import FixedSteps


@dataclass(frozen=True)
class FewLabels(FixedSteps):
    """How every entry of `transfer` and `semi_supervised` is trained, once for each number of labels a class.

    Where the targets are amounts or sets of labels, `labels_per_class` are numbers of labelled examples in all.
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
class LabelPropagation:
    """How the examples without labels get some in `transfer`: `experiments.few_labels.propagation` has the method.

    `n_neighbors` and `alpha`, the weight of the neighbours, are those of label spreading. `weight` is that of the loss of
    these examples, of which each step has `unlabelled_batch_size`.
    """

    n_neighbors: Annotated[int, Ge(1)] = 10
    alpha: Annotated[float, Gt(0), Lt(1)] = 0.8
    weight: Annotated[float, Ge(0)] = 1.0
    unlabelled_batch_size: BatchSize = 32


@dataclass(frozen=True)
class Transfer:
    """A pretext's backbone, and a new head, on few labels: all is `tuned`, or the backbone stays `frozen`.

    `augment`: with the policy under `augmentation.study`. `classes`: only these are told apart; null: all.
    `label_propagation`: the examples without labels get those of their neighbours in the backbone's features, and are
    learned too; null: they are not used.
    """

    start: str
    backbone: Literal["tuned", "frozen"] = "tuned"
    augment: bool = True
    classes: Annotated[tuple[Annotated[int, Ge(0)], ...], MinLen(2), MaxLen(1_000)] | None = None
    label_propagation: LabelPropagation | None = field(default=None, metadata={"optional": True})

    @property
    def needs(self) -> tuple[str, ...]:
        """As in `experiments.applicability`."""
        return ("classes",) if self.classes or self.label_propagation else ()


def reference_of(entry: Transfer, transfers: dict[str, Transfer]) -> str | None:
    """The entry that differs from this one in where it starts: scratch, all tuned, augmented, on the same classes."""
    same = Transfer("scratch", classes=entry.classes)
    return next((name for name, other in transfers.items() if other == same), None)
