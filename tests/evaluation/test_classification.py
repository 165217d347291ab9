"""Each metric against a number worked out by hand, a foreign implementation, or its definition as a loop."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from reglab.evaluation.classification import classification


def random_case(classes: int, examples: int = 400) -> tuple[torch.Tensor, torch.Tensor]:
    random = np.random.default_rng(classes)
    probabilities = random.dirichlet(np.full(classes, 0.5), examples)
    labels = np.array([random.choice(classes, p=row) if random.random() < 0.7 else 0 for row in probabilities])
    return torch.tensor(probabilities), torch.tensor(labels)


def test_metrics_equal_the_numbers_worked_out_by_hand():
    scores = classification(torch.tensor([[0.8, 0.2], [0.6, 0.4]]), torch.tensor([0, 1]))
    assert scores["accuracy"] == 0.5
    assert scores["nll"] == pytest.approx(-(math.log(0.8) + math.log(0.4)) / 2, abs=1e-7)
    assert scores["brier"] == pytest.approx((2 * 0.2**2 + 2 * 0.6**2) / 2, abs=1e-7)
    assert scores["ece"] == pytest.approx((0.2 + 0.6) / 2, abs=1e-7)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_accuracy_likelihood_and_brier_equal_scikit_learns(classes):
    probabilities, labels = random_case(classes)
    scores = classification(probabilities, labels)
    names = list(range(classes))
    one_hot = np.eye(classes)[labels]
    assert scores["accuracy"] == accuracy_score(labels, probabilities.argmax(1))
    assert scores["nll"] == pytest.approx(log_loss(labels, probabilities, labels=names), abs=1e-9)
    brier = sum(brier_score_loss(one_hot[:, c], probabilities[:, c].numpy()) for c in names)
    assert scores["brier"] == pytest.approx(brier, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_calibration_error_equals_its_definition_as_a_loop_over_15_bins(classes):
    probabilities, labels = random_case(classes)
    confidence, hit = probabilities.max(1).values.numpy(), (probabilities.argmax(1) == labels).numpy()
    expected = 0.0
    for b in range(15):
        inside = (confidence > b / 15) & (confidence <= (b + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(hit[inside].mean() - confidence[inside].mean())
    assert expected > 0.05
    assert classification(probabilities, labels)["ece"] == pytest.approx(expected, abs=1e-6)


def test_a_certain_prediction_stands_in_the_bin_of_those_that_are_nearly_certain():
    """Both lie above 14/15: of two right is one, the mean confidence 0.975."""
    probabilities = torch.tensor([[0.95, 0.05], [1.0, 0.0]], dtype=torch.float64)
    assert classification(probabilities, torch.tensor([0, 1]))["ece"] == pytest.approx(0.475, abs=1e-15)
    assert classification(probabilities.float(), torch.tensor([0, 1]))["ece"] == pytest.approx(0.475, abs=1e-7)


def by_bins_of_fractions(confidences: list[Fraction], hits: list[bool]) -> Fraction:
    """Guo et al., eqs. 2 and 3, in exact arithmetic."""
    error = Fraction(0)
    for b in range(1, 16):
        inside = [n for n, confidence in enumerate(confidences) if Fraction(b - 1, 15) < confidence <= Fraction(b, 15)]
        error += abs(sum(hits[n] - confidences[n] for n in inside))
    return error / len(hits)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_confidence_on_an_edge_belongs_to_the_bin_below_it(dtype):
    """Confidences b/15 on every edge and b/15 + 1/60 above it; among seven classes, where the largest starts at 1/7."""
    random = np.random.default_rng(0)
    for _ in range(20):
        sixtieths = random.choice([*range(12, 61, 4), *range(13, 60, 4)], 40)
        confidences, hits = [Fraction(int(n), 60) for n in sixtieths], random.random(40) < 0.5
        rows = [[float(c), *[float((1 - c) / 6)] * 6] for c in confidences]
        labels = torch.tensor([0 if hit else 1 for hit in hits])
        result = classification(torch.tensor(rows, dtype=torch.float64).to(dtype), labels)["ece"]
        assert result == pytest.approx(float(by_bins_of_fractions(confidences, hits.tolist())), abs=1e-7)


def test_one_hot_truth_is_perfect_and_a_certain_mistake_costs_a_finite_amount():
    perfect = classification(torch.eye(3), torch.arange(3))
    higher = dict.fromkeys(("accuracy", "balanced_accuracy", "macro_f1", "auroc", "average_precision"), 1.0)
    assert perfect == higher | {"nll": 0.0, "brier": 0.0, "ece": 0.0}
    wrong = classification(torch.eye(3), torch.tensor([1, 2, 0]))
    assert wrong["nll"] == pytest.approx(126 * math.log(2), abs=1e-9)  # the smallest normal float32 is 2^-126
    assert (wrong["accuracy"], wrong["brier"], wrong["ece"]) == (0.0, 2.0, 1.0)


def test_rounding_above_one_is_not_taken_for_logits():
    probabilities = torch.tensor([[1.0 + 1e-6, 0.0], [0.0, 1.0 + 1e-6]])
    assert classification(probabilities, torch.tensor([0, 1]))["ece"] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("fault", [[[2.0, -1.0]], [[1.0, 2.0]], [[math.nan, 0.5]], [[math.inf, 0.5]]])
def test_logits_and_non_finite_numbers_are_refused(fault):
    with pytest.raises(ValueError, match="sum to one"):
        classification(torch.tensor(fault), torch.tensor([0]))


def test_rows_may_miss_one_by_a_thousandth_and_no_more():
    labels = torch.tensor([0, 1])
    assert classification(torch.tensor([[0.6, 0.4005], [0.3, 0.7]]), labels)["accuracy"] == 1.0
    with pytest.raises(ValueError, match="sum to one"):
        classification(torch.tensor([[0.6, 0.403], [0.3, 0.7]]), labels)
