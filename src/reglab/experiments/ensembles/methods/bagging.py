"""Bagging: each member trains on a bootstrap sample of the labelled examples, and all vote."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Le

from reglab.core.streams import seed_of
from reglab.core.tasks import Task
from reglab.data.loader import tensor_of
from reglab.data.prepared import Split
from reglab.experiments.ensembles.base import Committee, Ensemble, members_on, running


def bootstrap(examples: int, seed: int, member: int) -> np.ndarray:
    """As many row numbers as there are examples, drawn with replacement."""
    return np.random.default_rng(seed_of(seed, "bootstrap", member)).integers(0, examples, examples)


@dataclass(frozen=True)
class Bagging(Ensemble):
    """Samples of the same size as the original; a member sees 1 - (1 - 1/n)^n, about 63.2 % of the examples.

    The record adds: `distinct_share`, the share of distinct examples in the samples; `out_of_bag_accuracy`, in a regression
    `out_of_bag_rmse`, of several labels `out_of_bag_hamming_loss`, each labelled example predicted only by the members that
    did not see it, against its given label, over the `out_of_bag_share` of the examples that some member left out; and
    `absent_classes`, how many classes a sample lacked, mean over members. Such a member is kept: its network has a score for
    every class, learns a low one for the absent class, and can be outvoted.

    Sources: Breiman, Bagging Predictors, 1996; Breiman, Out-of-Bag Estimation, 1996; Goodfellow, Bengio and Courville,
    Deep Learning, 2016, section 7.11.
    """

    metric_names: ClassVar[tuple[str, ...]] = (
        "distinct_share",
        "out_of_bag_accuracy",
        "out_of_bag_share",
        "absent_classes",
    )
    regression_metric_names: ClassVar[tuple[str, ...]] = ("distinct_share", "out_of_bag_rmse", "out_of_bag_share")
    multilabel_metric_names: ClassVar[tuple[str, ...]] = (
        "distinct_share",
        "out_of_bag_hamming_loss",
        "out_of_bag_share",
    )

    members: Annotated[int, Ge(1), Le(1_000)] = 8
    combine: Literal["average", "geometric", "vote"] = "average"

    def sample(self, labels: np.ndarray, task: Task, seed: int, member: int, wrong: np.ndarray) -> np.ndarray:
        return bootstrap(len(labels), seed, member)

    def samples(self, labels: np.ndarray, seed: int) -> list[np.ndarray]:
        return [bootstrap(len(labels), seed, member) for member in range(self.members)]

    @torch.no_grad()
    def metrics(self, committee: Committee, split: Split, seed: int) -> dict[str, float]:
        labels = split.labels["labelled"]
        samples = self.samples(labels, seed)
        left_out = 1 - np.stack([np.bincount(rows, minlength=len(labels)) for rows in samples]).clip(max=1)
        members = members_on(committee, tensor_of(split.inputs["labelled"]))
        out_of_bag = left_out.any(0)
        predicted, task = running(members, torch.as_tensor(left_out), self.combine)[-1], split.task
        known = torch.as_tensor(out_of_bag)
        measured = {"distinct_share": float(1 - left_out.mean())}
        if out_of_bag.any():
            measured[f"out_of_bag_{task.score}"] = task.value(predicted[known], torch.as_tensor(labels)[known])
        measured["out_of_bag_share"] = float(out_of_bag.mean())
        if task.name == "classification":
            absent = [task.outputs - len(np.unique(labels[rows])) for rows in samples]
            measured["absent_classes"] = float(np.mean(absent))
        return measured

    def picture(self, committee: Committee, split: Split, seed: int) -> Callable[[Sequence], None] | None:
        from reglab.experiments.ensembles.bagging_figure import draw

        labels, classes = split.labels["labelled"], split.classes
        if split.inputs["labelled"].ndim != 4 or classes is None:
            return None
        wanted = min(8, classes - 1)  # the lecture draws an "8"
        return partial(draw, committee=committee, split=split, samples=self.samples(labels, seed), wanted=wanted)
