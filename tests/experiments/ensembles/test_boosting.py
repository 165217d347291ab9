"""SAMME against scikit-learn's AdaBoost on the same weak learners, and its corners."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import AdaBoostClassifier
from sklearn.tree import DecisionTreeClassifier

from reglab.core.errors import UserError
from reglab.core.tasks import Classification
from reglab.experiments.ensembles.methods.boosting import Boosting, samme
from reglab.models.mlp import MLP
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training


class WatchedTree(DecisionTreeClassifier):
    """A tree that remembers the weights of the examples it was fitted with."""

    def fit(self, X, y, sample_weight=None, check_input=True):
        self.seen_ = sample_weight.copy()
        return super().fit(X, y, sample_weight, check_input)


@pytest.mark.parametrize(("depth", "shrinkage"), [(1, 1.0), (3, 1.0), (3, 0.4)])
def test_example_and_member_weights_are_those_of_scikit_learn(depth, shrinkage):
    inputs, labels = load_digits(return_X_y=True)
    tree = WatchedTree(max_depth=depth)
    theirs = AdaBoostClassifier(tree, n_estimators=12, learning_rate=shrinkage, random_state=0).fit(inputs, labels)
    predicted = np.stack([tree.predict(inputs) for tree in theirs.estimators_])
    weights, shares = samme(predicted != labels, 10, shrinkage)
    assert len(theirs.estimators_) == 12
    assert np.allclose(shares, theirs.estimator_weights_, rtol=1e-9)
    assert np.allclose(weights[:-1], [tree.seen_ for tree in theirs.estimators_], rtol=1e-9)
    votes = np.einsum("m,mnc->nc", shares, np.eye(10)[predicted])
    assert (votes.argmax(1) == theirs.predict(inputs)).all()


def test_members_are_as_weak_as_the_entry_says_and_trained_as_long():
    recipe = Recipe((), MLP(width=256, depth=2), Training(epochs=25, learning_rate=0.3))
    member = Boosting(width=7, depth=3, epochs=4).member_recipe(recipe)
    assert member == Recipe((), MLP(width=7, depth=3), Training(epochs=4, learning_rate=0.3))


def test_the_record_says_the_same_of_other_trees():
    assert all(check.passed for check in Boosting.checks())


def test_after_a_round_right_and_wrong_weigh_so_that_the_member_is_no_better_than_chance():
    wrong = np.random.default_rng(0).random((6, 50)) < 0.3
    weights, _ = samme(wrong, classes=4)
    assert np.allclose(weights.sum(1), 1)
    assert np.allclose((weights[1:] * wrong).sum(1), 1 - 1 / 4)


def test_a_member_no_better_than_chance_has_no_weight_and_changes_nothing():
    wrong = np.array([[True, False, False, False], [True, True, True, False]])
    weights, shares = samme(wrong, classes=2)
    assert shares[0] > 0 and shares[1] == 0 and (weights[2] == weights[1]).all()


def test_a_member_without_a_mistake_has_a_large_but_finite_weight():
    weights, shares = samme(np.zeros((1, 100), dtype=bool), classes=10)
    assert shares[0] == pytest.approx(np.log(199) + np.log(9))
    assert np.allclose(weights[1], weights[0], rtol=1e-12)


def test_an_ensemble_whose_first_member_guesses_is_refused():
    wrong = np.ones((2, 10), dtype=bool)
    with pytest.raises(UserError, match=r"first member is wrong on 100%.*below 67%"):
        Boosting(members=2).committee([], wrong, Classification(3))


def test_examples_are_drawn_by_their_weights():
    wrong = np.zeros((1, 2000), dtype=bool)
    wrong[0, :200] = True
    labels, boosting = np.zeros(2000, dtype=int), Boosting(shrinkage=1.0)
    weights, _ = samme(wrong, classes=10)  # boosting's own, for shrinkage 1
    drawn = boosting.sample(labels, Classification(10), 0, 1, wrong)
    expected = weights[1][:200].sum()
    assert expected == pytest.approx(0.9) and abs((drawn < 200).mean() - expected) < 5 * (0.09 / 2000) ** 0.5
    assert (drawn == boosting.sample(labels, Classification(10), 0, 1, wrong)).all()
    assert (drawn != boosting.sample(labels, Classification(10), 0, 2, wrong)).any()
