"""The parts of the strong attack against the papers, and what no change of the scores' scale may change."""

import pytest
import torch
from linear_model import minimal_perturbation

from reglab.attacks.ball import rowwise_norm
from reglab.attacks.base import accuracy, correct
from reglab.attacks.fast_boundary import fast_boundary
from reglab.attacks.objectives import cross_entropy, divergence, margin, targeted
from reglab.attacks.square import Bumps, Windows, bump, bump_and_hollow, odd_window_of, share_of_pixels, window_of
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
    inputs, labels = data.inputs[:10], data.labels[:10]
    plain, masked = (
        accuracy(network, strong(model, inputs, labels, 0.5, norm="l2"), labels)
        for model in (network, lambda inputs: 1000 * network(inputs))
    )
    assert abs(plain - masked) <= 1 / 10 and plain < 0.8


def test_the_share_of_pixels_is_halved_as_in_the_paper():
    shares = [share_of_pixels(query, 10_000) for query in (1, 10, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001)]
    assert shares == [0.8, 0.8, *(0.8 / 2**k for k in range(1, 10))]


def test_windows_are_squares_and_in_one_row_stretches():
    assert window_of(0.8, 8, 8) == (7, 7) and window_of(0.05, 8, 8) == (2, 2) and window_of(0.001, 8, 8) == (1, 1)
    assert window_of(0.8, 1, 64) == (1, 51) and window_of(0.8, 64, 1) == (51, 1) and window_of(0.01, 1, 20) == (1, 1)


@pytest.mark.parametrize(("height", "width"), [(3, 3), (2, 5), (1, 7), (1, 1), (7, 7)])
def test_bumps_fall_off_by_rings_and_have_length_one(height, width):
    away = [[max(abs(i - height // 2), abs(j - width // 2)) for j in range(width)] for i in range(height)]
    rings = max(height // 2, width // 2) + 1
    expected = torch.tensor([[sum(1 / (k + 1) ** 2 for k in range(r, rings)) for r in row] for row in away])
    assert torch.allclose(bump(height, width), expected / expected.norm(), atol=1e-6)
    assert bump_and_hollow(height, width).shape == (height, width)
    assert bump_and_hollow(height, width).norm().item() == pytest.approx(1, abs=1e-6)
    assert height * width == 1 or bump_and_hollow(height, width).min() < 0 < bump_and_hollow(height, width).max()


def test_windows_of_the_euclidean_square_attack_are_odd():
    assert (
        odd_window_of(0.8, 8, 8) == (7, 7)
        and odd_window_of(0.4, 8, 8) == (5, 5)
        and odd_window_of(0.001, 8, 8) == (3, 3)
    )
    assert odd_window_of(0.8, 1, 64) == (1, 51) and odd_window_of(0.001, 2, 2) == (2, 2)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 6, 9), (1, 1, 20)])
def test_bumps_proposed_have_the_length_of_the_radius_and_leave_the_rest_in_proportion(shape):
    random, radius, rows = (
        torch.Generator().manual_seed(0),
        torch.tensor([0.5, 2.0]).view(2, 1, 1, 1),
        torch.tensor([3, 1]),
    )
    proposals = Bumps(Windows(4, *shape, torch.device("cpu")))
    before = radius * proposals.first(random)[rows]
    for share in (0.8, 0.3, 0.02):
        offsets = proposals.next(before, radius, rows, share, random)
        assert torch.allclose(offsets.flatten(1).norm(dim=1), radius.flatten(), atol=1e-5)
    scaled = (offsets / before).flatten(1)
    assert ((scaled - scaled.median(1, keepdim=True).values).abs() < 1e-4).float().mean() > 0.5


def beyond(linear, data, norm):
    """Right examples, the nearest class beyond a boundary, and how far that boundary is."""
    rows = correct(linear.model, data.inputs, data.labels)
    inputs, labels = data.inputs[rows], data.labels[rows]
    least, offsets = minimal_perturbation(linear.weight, linear.bias, inputs, labels, norm=norm)
    scores = linear.model((inputs.double() + 1.01 * offsets).float()).scatter(1, labels[:, None], -torch.inf)
    return inputs, labels, scores.argmax(1), least.float()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_to_the_boundary_of_a_linear_model_the_shortest_way_is_found_and_none_shorter(linear, data, norm):
    inputs, labels, aims, least = beyond(linear, data, norm)
    for factor, wrong in ((1.01, 1.0), (0.99, 0.0)):
        moved = fast_boundary(linear.model, inputs, labels, aims, factor * least, norm=norm, steps=30)
        assert (linear.model(moved).argmax(1) != labels).double().mean() == wrong
        assert (rowwise_norm(moved - inputs, norm) <= factor * least).all()
        assert moved.min() >= 0 and moved.max() <= 1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_strong_leaves_what_the_official_autoattack_leaves(network, data, norm):
    official = pytest.importorskip("pyautoattack", reason="see benchmarks/requirements.txt")
    inputs, labels, epsilon = data.inputs[:50], data.labels[:50], 0.1 if norm == "linf" else 0.5
    theirs = official.AutoAttack(network, norm={"linf": "Linf", "l2": "L2"}[norm], eps=epsilon, seed=0)
    moved, _ = theirs.run_standard_evaluation(inputs, labels, batch_size=50)
    left = accuracy(network, strong(network, inputs, labels, epsilon, norm=norm), labels)
    assert abs(left - accuracy(network, moved.clamp(0, 1), labels)) <= 0.02  # one example of 50
