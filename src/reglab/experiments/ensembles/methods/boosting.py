"""Boosting: each weak network focuses on the mistakes of those before it, and better ones have more weight."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Le

from reglab.core.checks import Check
from reglab.core.errors import UserError
from reglab.core.streams import seed_of
from reglab.core.tasks import Task
from reglab.data.loader import tensor_of
from reglab.data.prepared import Split
from reglab.experiments.baselines.base import fit_split
from reglab.experiments.ensembles.base import Committee, Ensemble
from reglab.training.network import Network
from reglab.training.passes import outputs_on


def samme(
    wrong: np.ndarray, classes: int, shrinkage: float = 1.0, first: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Example weights (members + 1, n), before each member and after the last, and member weights (members,).

        e = sum_i w_i [wrong_i]
        a = shrinkage (log((1 - e)/e) + log(classes - 1))
        w_i <- w_i exp(a [wrong_i]) / sum

    wrong: (members, n), whether a member is wrong on an example. A member not better than chance, e >= 1 - 1/classes,
    has weight 0 and does not change the weights of the examples. One that is never wrong counts as wrong on half an
    example of the n. Shrinkage below 1 keeps a few wrong labels from drawing all the weight. The weights of the examples
    before the first member are those in `first` (n,) over their sum, or 1/n.

    Zhu, Zou, Rosset and Hastie, Multi-class AdaBoost, 2009, algorithm 2.
    """
    examples = wrong.shape[1]
    start = np.full(examples, 1 / examples) if first is None else first.astype(np.float64) / first.sum(dtype=np.float64)
    weights, shares = [start], []
    for mistakes in wrong:
        error = np.clip(weights[-1][mistakes].sum(), 0.5 / examples, 1 - 0.5 / examples)
        shares.append(shrinkage * max(np.log((1 - error) / error) + np.log(classes - 1), 0.0))
        raised = weights[-1] * np.exp(shares[-1] * mistakes)
        weights.append(raised / raised.sum())
    return np.stack(weights), np.array(shares)


def boosted_trees(members: int, depth: int, shrinkage: float):
    """scikit-learn's AdaBoost on decision trees, unfitted: the classical boosting beside that of networks."""
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.tree import DecisionTreeClassifier

    trees = DecisionTreeClassifier(max_depth=depth)
    return AdaBoostClassifier(trees, n_estimators=members, learning_rate=shrinkage, random_state=0)


def boosted_regression_trees(members: int, depth: int, shrinkage: float):
    """scikit-learn's gradient boosting of the squared error on decision trees, unfitted."""
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(n_estimators=members, max_depth=depth, learning_rate=shrinkage, random_state=0)


@dataclass(frozen=True)
class Boosting(Ensemble):
    """SAMME by resampling: a member trains on n examples drawn by their weights; the ensemble is their weighted vote.

    With e the weighted share of examples on which a member is wrong, its vote and the weights of the examples are

        a = shrinkage (log((1 - e)/e) + log(classes - 1))        w_i <- w_i exp(a [wrong_i]) / sum

    Members are weak, `depth` layers of `width` units trained for `epochs`: boosting builds capacity, which the record's
    `first_member_train_accuracy` shows beside the ensemble's own. The first member is the weak network to compare with: the
    later ones trained on the examples that were hard, so that each alone does worse. `trees_test_accuracy` is
    scikit-learn's AdaBoost on as many trees of `tree_depth`.

    In a regression a member is trained on what is left to explain, and the ensemble is the sum: with f_1 trained on y,

        r_i = y_i - F_{m-1}(x_i)        F_m = F_{m-1} + shrinkage f_m        F_1 = f_1

    where f_m is trained on r, all by the squared error. `combine` does not count there, and the trees are those of
    scikit-learn's gradient boosting.

    Where the data have weights of examples, w begins with these; in a regression every member minimises the weighted loss.

    Of several labels a network is neither right nor wrong on an example, nor is there one residual: not applicable.

    Sources: Zhu, Zou, Rosset and Hastie, Multi-class AdaBoost, 2009; for drawing by weights, Schwenk and Bengio,
    Boosting Neural Networks, 2000; for the regression Buehlmann and Yu, Boosting with the L2 Loss, 2003, section 2.2, with
    the shrinkage of Friedman, Greedy Function Approximation: A Gradient Boosting Machine, 2001, eq. 36.
    """

    lecture: ClassVar[str] = "boosting"
    sequential: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("one_target",)
    rules: ClassVar[tuple[str, ...]] = ("additive", "vote", "average")
    metric_names: ClassVar[tuple[str, ...]] = ("trees_test_accuracy", "first_member_train_accuracy")
    regression_metric_names: ClassVar[tuple[str, ...]] = ("trees_test_rmse", "first_member_train_rmse")

    members: Annotated[int, Ge(1), Le(1_000)] = 16
    combine: Literal["additive", "vote", "average"] = "additive"
    width: Annotated[int, Ge(1), Le(65_536)] = 16
    depth: Annotated[int, Ge(1), Le(100)] = 1
    epochs: Annotated[int, Ge(1), Le(100_000)] = 10
    shrinkage: Annotated[float, Ge(0.001), Le(1)] = 0.3
    tree_depth: Annotated[int, Ge(1), Le(100)] = 4

    def member_recipe(self, recipe):
        weak = replace(recipe.architecture, width=self.width, depth=self.depth)
        return replace(recipe, architecture=weak, training=replace(recipe.training, epochs=self.epochs))

    def sample(
        self,
        labels: np.ndarray,
        task: Task,
        seed: int,
        member: int,
        wrong: np.ndarray,
        weights: np.ndarray | None = None,
    ) -> np.ndarray:
        if task.name == "regression":
            return np.arange(len(labels))
        drawn_by, _ = samme(wrong, task.outputs, self.shrinkage, weights)
        random = np.random.default_rng(seed_of(seed, "boosting", member))
        return random.choice(len(labels), len(labels), p=drawn_by[-1])

    def member_split(self, split: Split, member: int, networks: Sequence[Network] = ()) -> Split:
        if split.classes is not None:
            return replace(split, weights=None)  # its examples are drawn by their weights, which therefore count once
        if member == 0:
            return split
        residuals = replace(split, target_scale=(0.0, split.target_scale[1]))
        if not networks:
            return residuals
        committee = self.committee(networks, np.zeros(0), split.task).eval()
        with torch.no_grad():
            fitted = outputs_on(committee.predictions, tensor_of(split.inputs["labelled"]))[:, 0].double().numpy()
        return replace(residuals, labels=split.labels | {"labelled": split.labels["labelled"] - fitted})

    def committee(
        self, networks: Sequence[Network], wrong: np.ndarray, task: Task, weights: np.ndarray | None = None
    ) -> Committee:
        if task.name == "regression":
            return Committee(networks, "additive", torch.tensor([1.0] + [self.shrinkage] * (len(networks) - 1)), task)
        classes = task.outputs
        _, shares = samme(wrong, classes, self.shrinkage, weights)
        if not shares[0]:
            raise UserError(
                f"params.yaml: ensembles.boosting: the first member is wrong on {wrong[0].mean():.0%} of its examples; "
                f"allowed: below {1 - 1 / classes:.0%}, which is chance; raise epochs or width"
            )
        return Committee(networks, self.combine, torch.as_tensor(shares), task)

    @torch.no_grad()
    def metrics(self, committee: Committee, split: Split, seed: int) -> dict[str, float]:
        task = split.task
        trees = boosted_trees if task.name == "classification" else boosted_regression_trees
        boosted = trees(self.members, self.tree_depth, self.shrinkage)
        predicted = fit_split(boosted, split, {"test": split.inputs["test"]})["test"]
        first = task.predictions(outputs_on(committee.networks[0], tensor_of(split.inputs["labelled"])))
        labels = {part: torch.as_tensor(split.labels[part]) for part in ("labelled", "test")}
        return {
            f"trees_test_{task.score}": task.value(torch.as_tensor(predicted), labels["test"]),
            f"first_member_train_{task.score}": task.value(first, labels["labelled"]),
        }

    @classmethod
    def checks(cls) -> list[Check]:
        from sklearn.datasets import load_iris

        inputs, labels = load_iris(return_X_y=True)
        theirs = boosted_trees(members=20, depth=1, shrinkage=0.5).fit(inputs, labels)
        wrong = np.stack([tree.predict(inputs) for tree in theirs.estimators_]) != labels
        weights, shares = samme(wrong, classes=3, shrinkage=0.5)
        errors = (weights[:-1] * wrong).sum(1)
        return [
            Check("member weights = scikit-learn's", float(np.abs(shares - theirs.estimator_weights_).max()), 1e-9),
            Check("weighted errors = scikit-learn's", float(np.abs(errors - theirs.estimator_errors_).max()), 1e-9),
        ]
