"""Class weighting: examples of rare classes count for more, so that all classes count alike."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.core.losses import cross_entropy
from reglab.data.loader import Batch, whole
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Criterion, Regularizer


def balanced(counts: Tensor) -> Tensor:
    """n/(k n_c) for the counts n_c (classes,) of k classes with examples, n together; 1 for a class without any."""
    present = counts > 0
    return torch.where(present, counts.sum() / (present.sum() * counts.clamp(min=1e-12)), 1.0)


@dataclass(frozen=True)
class ClassWeighting(Regularizer):
    """Minimises -E sum_c w_c t_c log p_c with w_c = 1 + strength (n/(k n_c) - 1), for targets t and k classes.

    n_c of the n labelled training examples are of class c. With strength 1 every class has the same total weight; over the
    training examples the mean weight is 1 whatever the strength, and a batch is not normalised by its weights.

    Sources: King and Zeng, Logistic Regression in Rare Events Data, 2001, section 4.2, with equal shares of the classes in
    the population; n/(k n_c) is `class_weight="balanced"` of scikit-learn.
    """

    off: ClassVar[dict] = {"strength": 0.0}
    needs: ClassVar[tuple] = ("classes",)

    strength: Annotated[float, Ge(0), Le(1)] = 1.0

    def prepare_model(self, network: Network) -> None:
        network.register_buffer("class_weights", torch.ones(network.head.out_features))

    def transform_criterion(self, criterion: Criterion, network: Network) -> Criterion:
        def weighted(logits: Tensor, targets: Tensor) -> Tensor:
            return criterion(logits, targets * network.class_weights.to(targets.dtype))

        return criterion if self.strength == 0 else weighted

    def prepare_training(self, network: Network, examples: Batch) -> None:
        weights = balanced(examples.targets.double().sum(0))
        network.class_weights.copy_(1 + self.strength * (weights - 1))

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        inputs, labels = regression(examples=12)[0], torch.tensor([0] * 2 + [1] * 4 + [2] * 6)
        examples = whole(inputs, labels, 3)
        examples = examples._replace(targets=examples.targets.double())
        network, technique = build(MLP(depth=0), (4,), 3, seed=0).double(), cls()
        technique.prepare_model(network)
        criterion = technique.transform_criterion(cross_entropy, network.double())
        technique.prepare_training(network, examples)
        logits = network(inputs)
        copies = torch.tensor([6, 3, 2])[labels]  # twelve examples of every class
        resampled = cross_entropy(logits.repeat_interleave(copies, 0), examples.targets.repeat_interleave(copies, 0))
        weighted = criterion(logits, examples.targets)
        technique.prepare_training(network, examples._replace(targets=torch.eye(3).double().repeat(4, 1)))
        return [
            Check("the loss on a resampled set with equal classes", abs((weighted - resampled).item()), 1e-12),
            Check("weights of balanced classes are one", distance(network.class_weights, torch.ones(())), 0.0),
        ]
