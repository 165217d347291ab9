"""Heterogeneous ensemble: the networks that the best recipes have already trained, together."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Le

from reglab.core.errors import UserError
from reglab.data.loader import tensor_of
from reglab.data.prepared import Split
from reglab.evaluation.choice import ranked
from reglab.experiments.ensembles.base import Committee, Ensemble
from reglab.tracking.record import read
from reglab.training.passes import outputs_on


def digest(folder: Path) -> str:
    """The digest of a published record and its weights."""
    digest = hashlib.blake2b(digest_size=16)
    for path in (folder / "record.json", *sorted((folder / "weights").iterdir())):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Heterogeneous(Ensemble):
    """The `members` recipes under `regularizers` with the best validation metric, mean over seeds, best first; of equals the
    one with the lower validation loss. The metric is `evaluation.metric`, accuracy unless another is named.

    Test examples are not used for the choice, which is the same for all seeds. A member is the network that its
    record evaluated, averaged weights or masks included. The record's `best_recipe_test_accuracy` is that of the first.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.11: members may differ in anything, as long
    as their errors do.
    """

    gathers: ClassVar[bool] = True
    metric_names: ClassVar[tuple[str, ...]] = ("best_recipe_test_accuracy",)
    regression_metric_names: ClassVar[tuple[str, ...]] = ("best_recipe_test_rmse",)
    multilabel_metric_names: ClassVar[tuple[str, ...]] = ("best_recipe_test_hamming_loss",)

    members: Annotated[int, Ge(1), Le(1_000)] = 4
    combine: Literal["average", "geometric", "vote"] = "average"

    def choose(self, recipes: Mapping[str, Path], metric: str = "accuracy") -> list[dict]:
        """By the metric, then the lower loss, then the name; UserError where fewer than `members` finished."""
        values = ranked({name: read(folder) for name, folder in recipes.items()}, metric)
        if len(values) < self.members:
            raise UserError(
                f"params.yaml: ensembles.heterogeneous.members: found {self.members}; allowed: at most {len(values)}, "
                "the recipes under regularizers that finished every seed"
            )
        return [
            {"name": name, f"validation_{metric}": float(f"{value:.7g}"), "digest": digest(recipes[name])}
            for name, value in list(values.items())[: self.members]
        ]

    @torch.no_grad()
    def metrics(self, committee: Committee, split: Split, seed: int) -> dict[str, float]:
        task, best = split.task, committee.networks[0]
        predicted = task.predictions(outputs_on(best, tensor_of(split.inputs["test"])))
        return {f"best_recipe_test_{task.score}": task.value(predicted, torch.as_tensor(split.labels["test"]))}
