"""Areas and average precisions are those of scikit-learn, ties, confident predictions and absent classes included."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score, roc_auc_score

from reglab.evaluation.classification import classification
from reglab.evaluation.ranking import ranking


def predictions(seed: int, digits: int | None):
    """Scores of up to eleven classes, rounded to so many digits, and labels that they get right more or less often."""
    random = np.random.default_rng(seed)
    examples, classes = random.integers(2, 300), random.integers(2, 12)
    probabilities = random.dirichlet(np.full(classes, random.choice([0.05, 0.5, 5.0])), examples)
    if digits is not None:
        probabilities = probabilities.round(digits)
    right = random.random(examples) < random.choice([0.2, 0.8, 1.0])
    return probabilities, np.where(right, probabilities.argmax(1), random.integers(0, classes, examples))


@pytest.mark.parametrize("digits", [None, 2, 1, 0])
@pytest.mark.parametrize("seed", range(25))
def test_means_over_the_labels_that_can_be_ranked_equal_scikit_learns(seed, digits):
    probabilities, labels = predictions(seed, digits)
    positive = np.eye(probabilities.shape[1], dtype=bool)[labels]
    ranked = [c for c in range(probabilities.shape[1]) if positive[:, c].any() and not positive[:, c].all()]
    scores = {"auroc": roc_auc_score, "average_precision": average_precision_score} if ranked else {}
    theirs = {name: np.mean([f(positive[:, c], probabilities[:, c]) for c in ranked]) for name, f in scores.items()}
    assert ranking(torch.tensor(probabilities), torch.tensor(positive)) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_recall_and_f1_of_absent_and_never_predicted_classes_equal_scikit_learns(seed):
    """Every third seed lacks the class 0 in the labels, every second lacks the last class in the predictions."""
    probabilities, labels = predictions(seed, None)
    if seed % 3 == 0:
        labels = np.maximum(labels, 1)
    if seed % 2 == 0:
        probabilities[:, -1] = 0
        probabilities /= probabilities.sum(1, keepdims=True)
    predicted = probabilities.argmax(1)
    measured = classification(torch.tensor(probabilities), torch.tensor(labels))
    assert measured["macro_f1"] == f1_score(labels, predicted, average="macro", zero_division=0)
    recalls = [np.mean(predicted[labels == label] == label) for label in np.unique(labels)]
    assert measured["balanced_accuracy"] == np.mean(recalls)
    if set(predicted) <= set(labels):  # scikit-learn warns of classes that only the predictions have
        assert measured["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predicted), abs=1e-12)


def column(*values) -> torch.Tensor:
    return torch.tensor(values)[:, None]


def test_equal_scores_are_half_right():
    measured = ranking(column(0.0, 0.0, 0.0, 0.0).double(), column(True, False, False, True))
    assert measured == {"auroc": 0.5, "average_precision": 0.5}


def test_the_only_positive_example_in_second_place():
    measured = ranking(column(0.9, 0.5, 0.1).double(), column(False, True, False))
    assert measured == {"auroc": 0.5, "average_precision": 0.5}


def test_a_label_of_all_examples_or_of_none_changes_no_mean_and_alone_has_none():
    scores = torch.tensor(np.random.default_rng(0).random((30, 4)))
    labels = torch.tensor(np.random.default_rng(1).random((30, 4)) < 0.5)
    labels[:, 1], labels[:, 3] = True, False
    assert ranking(scores, labels) == ranking(scores[:, [0, 2]], labels[:, [0, 2]])
    assert ranking(scores[:, [1, 3]], labels[:, [1, 3]]) == {}


def test_a_single_example_is_right_or_wrong_and_cannot_be_ranked():
    one = classification(torch.tensor([[0.25, 0.75]]), torch.tensor([1]))
    assert (one["accuracy"], one["balanced_accuracy"], one["macro_f1"]) == (1.0, 1.0, 1.0)
    assert not {"auroc", "average_precision"} & set(one)


@pytest.mark.parametrize("examples", range(2, 130))
def test_the_area_of_a_perfect_ranking_is_one_and_never_more(examples):
    """The rounded steps of 71 or 126 examples, one with the label, sum to 1 + 2e-16."""
    labels = (torch.arange(examples) < 1)[:, None]
    measured = ranking(torch.linspace(1, 0, examples, dtype=torch.float64)[:, None], labels)
    assert max(measured.values()) <= 1 and measured == pytest.approx(
        {"auroc": 1.0, "average_precision": 1.0}, abs=1e-12
    )


def test_the_default_precision_of_torch_is_as_before_also_after_an_error():
    scores, labels = column(0.9, 0.5).double(), column(True, False)
    ranking(scores, labels)
    assert torch.get_default_dtype() == torch.float32
    with pytest.raises(IndexError):
        ranking(scores.repeat(2, 1), labels)  # more scores than labels
    assert torch.get_default_dtype() == torch.float32
