"""The base of ensembles: which examples each member trains on, and how members predict together."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from reglab.core.checks import Check
from reglab.core.streams import seed_of
from reglab.core.tasks import Task
from reglab.data.loader import StoredTensor
from reglab.data.prepared import Split
from reglab.training.network import Network
from reglab.training.passes import outputs_on


def running(predictions: Tensor, weights: Tensor, combine: str) -> Tensor:
    """The predictions (members, examples, classes) of the first 1, 2, ... m members together, from those of each member.

        average    p = sum_j w_j p_j / sum_j w_j
        geometric  p ~ exp(sum_j w_j log p_j / sum_j w_j), renormalised; a probability of 0 counts as 1e-38
        vote       p = sum_j w_j [c = argmax p_j] / sum_j w_j, the share of the votes; the lower class wins a tie
        additive   p ~ exp(sum_j w_j [c = argmax p_j]): the same winner, with more confidence for each vote;
                   of amounts sum_j w_j p_j

    predictions: (members, examples, classes), or amounts (members, examples, 1) or probabilities of labels (members,
    examples, labels), which are averaged: the other rules choose one of several classes, or add amounts. weights:
    (members,), or (members, examples) where a member is not asked about every example. NaN where all weights are 0. A vote
    has no gradient.

    Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 7.52 to 7.54; Zhu, Zou, Rosset and Hastie, Multi-class
    AdaBoost, 2009, section 2.3, for the last.
    """
    weights = weights.view(len(weights), -1, 1)
    if combine == "geometric":
        values = predictions.clamp(min=torch.finfo(predictions.dtype).tiny).log()
    elif combine in ("vote", "additive") and predictions.shape[2] > 1:
        values = one_hot(predictions.argmax(2), predictions.shape[2]).to(predictions.dtype)
    else:
        values = predictions
    sums = (weights * values).cumsum(0)
    if combine == "additive":
        return sums.softmax(2) if predictions.shape[2] > 1 else sums
    means = sums / weights.cumsum(0)
    return means.softmax(2) if combine == "geometric" else means


def disagreement(predictions: Tensor, task: Task) -> Tensor:
    """How far two of the first 1, 2, ... m members are apart, mean over pairs of the `distances` of their task.

    predictions: (members, examples, outputs). Returns (members,), 0 for the first alone.
    """
    apart = task.distances(predictions).cumsum(0).cumsum(1).diagonal()
    number = torch.arange(1, len(predictions) + 1)
    return apart / (number * (number - 1)).clamp(min=1)


def stream(seed: int, member: int) -> int:
    """The seed of a member's random numbers; the first member's are those of the single model of this seed."""
    return seed if member == 0 else seed_of(seed, "member", member)


class Committee(nn.Module):
    """Networks that predict as one: outputs (batch, outputs) whose predictions, by their `task`, are those of all together.

    Of classes these are log-probabilities, where a probability of 0 counts as 1e-38.

    Votes have no gradient. The log-probabilities have that of the average of the same members instead, so that an attack
    can follow a gradient while its success is still decided by the votes: the backward pass of Athalye, Carlini and Wagner,
    Obfuscated Gradients Give a False Sense of Security, 2018, section 4.1.

    Saved and loaded as any module: `state_dict` holds `networks.<member>.<name>` and `member_weights`.
    """

    def __init__(self, networks: Sequence[nn.Module], combine: str, member_weights: Tensor, task: Task) -> None:
        super().__init__()
        self.networks, self.combine, self.task = nn.ModuleList(networks), combine, task
        self.register_buffer("member_weights", member_weights.float())

    def members(self, inputs: Tensor) -> Tensor:
        """Predictions (members, batch, outputs) of each."""
        return torch.stack([self.prediction(network, inputs) for network in self.networks])

    def prediction(self, network: nn.Module, inputs: Tensor) -> Tensor:
        """What a member predicts (batch, outputs), which may be on another scale than the task of all together."""
        return getattr(network, "task", self.task).predictions(network(inputs))

    def predictions(self, inputs: Tensor) -> Tensor:
        """Predictions (batch, outputs) of all together."""
        return running(self.members(inputs), self.member_weights, self.combine)[-1]

    def forward(self, inputs: Tensor) -> Tensor:
        members, outputs_of = self.members(inputs), self.task.outputs_of
        scores = outputs_of(running(members, self.member_weights, self.combine)[-1])
        if self.combine not in ("vote", "additive") or self.task.outputs == 1:
            return scores
        average = outputs_of(running(members, self.member_weights, "average")[-1])
        return scores + (average - average.detach())


def members_on(committee: Committee, inputs: Tensor | StoredTensor) -> Tensor:
    """Predictions (members, n, outputs) of each on all inputs, in pieces that fit into memory."""
    return outputs_on(lambda piece: committee.members(piece).transpose(0, 1), inputs).transpose(0, 1)


class Ensemble:
    """A frozen dataclass whose fields are its entry under `ensembles:` in params.yaml; `members` and `combine` are two.

    For each seed, in order:

        for member in range(ensemble.networks):
            rows = ensemble.sample(labels, task, seed, member, wrong)
            given = ensemble.member_split(split, member, networks)
            network = train(ensemble.member_recipe(recipe), the labelled examples of given at rows, stream(seed, member))
            wrong[member] = network(all labelled examples) != labels
        committee = ensemble.committee(networks, wrong, task)
        metrics |= ensemble.metrics(committee, split, seed)

    In a regression and of several labels `combine` is `average`, and no member is `wrong`.

    `sequential`: a member needs the ones before it; otherwise all train in parallel and `wrong` in `sample` is empty.
    `rules`: the values that `combine` may have, all of which are compared. `gathers`: members are networks of trained
    recipes, which `choose` names, and none is trained; `sample` and `member_recipe` are not called then. `metric_names`: the
    names in `metrics`, `regression_metric_names` those in a regression, `multilabel_metric_names` those of several labels.
    `needs` is what it needs of the data, as in `experiments.applicability`. `lecture`: the section of the report's chapter
    that shows it.

    Where examples have weights, all members minimise the weighted loss of `training.supervised`. A `sample` or `committee`
    with an argument `weights` is given those of the labelled examples (n,).
    """

    lecture: ClassVar[str] = "bagging"
    sequential: ClassVar[bool] = False
    gathers: ClassVar[bool] = False
    rules: ClassVar[tuple[str, ...]] = ("average", "geometric", "vote")
    metric_names: ClassVar[tuple[str, ...]] = ()
    regression_metric_names: ClassVar[tuple[str, ...]] = ()
    multilabel_metric_names: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    members: int
    combine: str

    @property
    def networks(self) -> int:
        """How many networks there are."""
        return self.members

    def choose(self, recipes: Mapping[str, Path], metric: str = "accuracy") -> list[dict]:
        """Which of the recipes, given with the folders of their records, are members by the metric: `name` and the reason."""
        return []

    def member_recipe(self, recipe):
        """The `Recipe` of a member, from that of the single model without any technique."""
        return recipe

    def sample(self, labels: np.ndarray, task: Task, seed: int, member: int, wrong: np.ndarray) -> np.ndarray:
        """The labelled examples that a member trains on, as row numbers into `labels` (n,); all of them by default.

        wrong: (earlier members, n), whether each is wrong on a labelled example.
        """
        return np.arange(len(labels))

    def member_split(self, split: Split, member: int, networks: Sequence[Network] = ()) -> Split:
        """What a member is trained on and predicts; `networks` are those before it, without them labels do not count."""
        return split

    def committee(self, networks: Sequence[Network], wrong: np.ndarray, task: Task) -> Committee:
        """The trained networks as one; wrong: (networks, n) as above."""
        return Committee(networks, self.combine, torch.ones(len(networks)), task)

    def metrics(self, committee: Committee, split: Split, seed: int) -> dict[str, float]:
        """Metrics of this kind of ensemble alone; `<other>_test_<score of the task>` is drawn beside the ensemble's own."""
        return {}

    def picture(self, committee: Committee, split: Split, seed: int) -> Callable[[Sequence], None] | None:
        """A function that draws a seed's ensemble in three panels of the figure; None if there is nothing to draw."""
        return None

    @classmethod
    def checks(cls) -> list[Check]:
        """Exact checks that go into the record."""
        return []
