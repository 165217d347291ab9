"""Areas, average precisions and F1 are those of scikit-learn to the bit, ties and confident predictions included."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from reglab.evaluation.ranking import macro_f1, ranking


def predictions(seed: int, digits: int | None):
    """Probabilities of up to eleven classes, rounded to so many digits, and labels that they get right more or less often."""
    random = np.random.default_rng(seed)
    examples, classes = random.integers(2, 300), random.integers(2, 12)
    probabilities = random.dirichlet(np.full(classes, random.choice([0.05, 0.5, 5.0])), examples)
    if digits is not None:
        probabilities = probabilities.round(digits)
    right = random.random(examples) < random.choice([0.2, 0.8, 1.0])
    return probabilities, np.where(right, probabilities.argmax(1), random.integers(0, classes, examples))


@pytest.mark.parametrize("digits", [None, 2, 1, 0])
@pytest.mark.parametrize("seed", range(25))
def test_every_bit_is_that_of_scikit_learn(seed, digits):
    probabilities, labels = predictions(seed, digits)
    predicted, classes = probabilities.argmax(1), probabilities.shape[1]
    assert macro_f1(labels, predicted, classes) == f1_score(labels, predicted, average="macro", zero_division=0)
    for label in np.unique(labels):
        positive, scores = labels == label, probabilities[:, label]
        if not positive.all():
            expected = roc_auc_score(positive, scores), average_precision_score(positive, scores)
            assert ranking(positive, scores) == expected


def test_equal_scores_are_half_right():
    positive = np.array([True, False, False, True])
    assert ranking(positive, np.zeros(4)) == (0.5, 0.5)


def test_the_only_positive_example_in_second_place():
    assert ranking(np.array([False, True, False]), np.array([0.9, 0.5, 0.1])) == (0.5, 0.5)
