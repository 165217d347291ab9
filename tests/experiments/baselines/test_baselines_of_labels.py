"""Classical methods on several labels an example, each label against the method alone."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from reglab.core.errors import UserError
from reglab.core.registry import find, names
from reglab.data.prepared import Split
from reglab.experiments.baselines.base import fit_split
from reglab.experiments.baselines.methods.k_nearest_neighbours import KNearestNeighbours
from reglab.experiments.baselines.methods.support_vector_machine import LabelFolds, SupportVectorMachine
from reglab.experiments.baselines.run import predict

METHODS = [name for name in names("baselines") if "amounts" not in find("baselines", name).needs]
SIZES = {"labelled": 120, "unlabelled": 4, "validation": 20, "test": 60}


@pytest.fixture(scope="module")
def split() -> Split:
    """Three labels that overlap, the last of them rare."""
    random = np.random.default_rng(0)
    inputs = {part: random.normal(size=(size, 4)).astype(np.float32) for part, size in SIZES.items()}
    labels = {part: (x[:, :3] + 0.3 * x[:, 3:] > (0, -0.5, 1.3)).astype(np.uint8) for part, x in inputs.items()}
    rows = {part: np.arange(size) for part, size in SIZES.items()}
    return Split(inputs, labels, rows, classes=None, label_count=3)


def one_label(split: Split, label: int) -> Split:
    """The same with the classes "without" and "with" one label."""
    labels = {part: values[:, label].astype(np.int64) for part, values in split.labels.items()}
    return Split(split.inputs, labels, split.rows, classes=2)


@pytest.mark.parametrize("name", METHODS)
def test_every_label_is_predicted_as_by_the_method_alone(name, split):
    method = find("baselines", name)()
    predicted = predict(method, split)
    assert {part: values.shape for part, values in predicted.items()} == {
        part: (SIZES[part], 3) for part in ("labelled", "validation", "test")
    }
    for label in range(3):
        alone = predict(method, one_label(split, label))["test"][:, 1]
        assert predicted["test"][:, label] == pytest.approx(alone, abs=1e-9)


def test_neighbours_vote_on_all_labels_at_once_as_in_scikit_learn(split):
    theirs = (
        KNeighborsClassifier(5)
        .fit(split.inputs["labelled"], split.labels["labelled"])
        .predict_proba(split.inputs["test"])
    )
    predicted = predict(KNearestNeighbours(5), split)["test"]
    assert predicted == pytest.approx(np.column_stack([each[:, 1] for each in theirs]), abs=1e-12)


@pytest.mark.parametrize("name", ["logistic_regression", "gradient_boosting"])
def test_weights_of_examples_count_for_the_model_of_every_label(name, split):
    weights = np.random.default_rng(1).integers(1, 4, 120).astype(np.float32)
    method = find("baselines", name)()
    predicted = predict(method, replace(split, weights=weights))["test"]
    for label in range(3):
        alone = predict(method, replace(one_label(split, label), weights=weights))["test"][:, 1]
        assert predicted[:, label] == pytest.approx(alone, abs=1e-9)
    assert not np.allclose(predicted, predict(method, split)["test"], atol=1e-3)


@pytest.mark.parametrize("value", [0, 1])
def test_a_label_that_all_training_examples_have_or_lack_is_certain_for_neighbours(split, value):
    labels = {part: values.copy() for part, values in split.labels.items()}
    labels["labelled"][:, 0] = value
    known = Split(split.inputs, labels, split.rows, classes=None, label_count=3)
    assert (predict(KNearestNeighbours(5), known)["test"][:, 0] == value).all()


def test_support_vectors_calibrate_a_rare_label_in_as_many_folds_as_it_has_examples(split):
    labels = {part: values.copy() for part, values in split.labels.items()}
    labels["labelled"][:, 2] = np.arange(120) < 3
    rare = Split(split.inputs, labels, split.rows, classes=None, label_count=3)
    predicted = predict(SupportVectorMachine(), rare)["test"]
    assert np.isfinite(predicted).all() and ((predicted >= 0) & (predicted <= 1)).all()
    assert LabelFolds().get_n_splits(labels=labels["labelled"][:, 2].astype(int)) == 3
    with warnings.catch_warnings(), pytest.raises(UserError, match="refuses the 120 training examples"):
        warnings.simplefilter("ignore")
        labels["labelled"][:, 2] = 0
        fit_split(SupportVectorMachine().label_estimator(), rare, {"test": rare.inputs["test"]})
