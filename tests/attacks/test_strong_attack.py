"""The parts of the strong attack against the papers, and what no change of the scores' scale may change."""

import pytest
import torch

from reglab.attacks.base import accuracy
from reglab.attacks.objectives import cross_entropy, divergence, margin, targeted
from reglab.attacks.square import share_of_pixels, window_of
from reglab.attacks.strong import checkpoints, strong


def test_checkpoints_of_a_hundred_steps_are_those_of_the_paper():
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]


def test_the_targeted_objective_is_the_papers_and_keeps_its_value_under_scale_and_shift():
    scores = torch.tensor([[5.0, 1.0, 3.0, 2.0, 0.0]], dtype=torch.float64)
    rows = torch.tensor([[0, 3]])
    assert targeted(scores, rows).item() == pytest.approx((2 - 5) / (5 - (2 + 1) / 2), rel=1e-9)
    assert targeted(1000 * scores + 7, rows).item() == pytest.approx(targeted(scores, rows).item(), rel=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
def test_below_four_classes_the_targeted_objective_is_the_margin_to_the_target(classes):
    scores, rows = torch.arange(2.0 * classes).square().view(2, classes), torch.tensor([[0, 1], [1, 0]])
    assert targeted(scores, rows).tolist() == [1.0, scores[1, 0].item() - scores[1, 1].item()]


def test_the_margin_is_positive_exactly_where_the_model_is_wrong():
    scores = torch.randn(200, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(200) % 5
    assert torch.equal(margin(scores, labels) > 0, scores.argmax(1) != labels)


def test_divergence_is_that_of_torchs_distributions():
    one, other = torch.randn(2, 7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    categorical = torch.distributions.Categorical
    expected = torch.distributions.kl_divergence(categorical(logits=one), categorical(logits=other))
    assert torch.allclose(divergence(other, one), expected, atol=1e-12)


def test_cross_entropy_takes_labels_and_distributions():
    scores, labels = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 4
    spread = torch.nn.functional.one_hot(labels, 4).float()
    assert torch.allclose(cross_entropy(scores, labels), cross_entropy(scores, spread))


def test_scaling_the_scores_into_saturation_gains_nothing(network, data):
    inputs, labels = data.inputs[:20], data.labels[:20]
    plain, masked = (
        accuracy(network, strong(model, inputs, labels, 0.5, norm="l2"), labels)
        for model in (network, lambda inputs: 1000 * network(inputs))
    )
    assert abs(plain - masked) <= 1 / 20 and plain < 0.8


def test_the_share_of_pixels_is_halved_as_in_the_paper():
    shares = [share_of_pixels(query, 10_000) for query in (1, 10, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001)]
    assert shares == [0.8, 0.8, *(0.8 / 2**k for k in range(1, 10))]


def test_windows_are_squares_and_in_one_row_stretches():
    assert window_of(0.8, 8, 8) == (7, 7) and window_of(0.05, 8, 8) == (2, 2) and window_of(0.001, 8, 8) == (1, 1)
    assert window_of(0.8, 1, 64) == (1, 51) and window_of(0.8, 64, 1) == (51, 1) and window_of(0.01, 1, 20) == (1, 1)
