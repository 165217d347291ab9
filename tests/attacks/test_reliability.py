"""Attack reliability checks: a right robust accuracy passes all of them, each mistake fails the check meant for it."""

import pytest
import torch
from torch import nn

from reglab.attacks.base import accuracy
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.strong import strong
from reglab.experiments.robustness.reliability import reliability_checks, transfer_check

SLOPE = "the loss has a slope at the examples"
BLACK_BOX = "a black-box attack finds nothing more"


@pytest.fixture(scope="module")
def few(data):
    return data.inputs[:20], data.labels[:20]


@pytest.fixture(scope="module")
def adversarial(network, few):
    return strong(network, *few, 0.1)


def failed(lines):
    return {line.name for line in lines if not line.passed}


def test_an_honest_number_passes_every_line(network, few, adversarial):
    lines = reliability_checks(network, *few, 0.1, adversarial)
    assert not failed(lines) and len(lines) == 11 and len({line.name for line in lines}) == 11


def test_an_honest_number_in_the_l2_norm_passes_every_line(network, few):
    lines = reliability_checks(network, *few, 0.5, strong(network, *few, 0.5, norm="l2"), norm="l2")
    assert not failed(lines) and len(lines) == 11


def test_scores_times_a_thousand_are_flagged(network, few, adversarial):
    masked = lambda inputs: 1000 * network(inputs)  # noqa: E731
    lines = reliability_checks(masked, *few, 0.1, projected_gradient(masked, *few, 0.1))
    assert {SLOPE, "more steps and restarts find nothing more", BLACK_BOX} <= failed(lines)
    lines = reliability_checks(masked, *few, 0.1, adversarial)  # they fool it as well
    assert failed(lines) == {SLOPE}


def test_a_quantised_input_is_flagged(network, few, adversarial):
    quantised = lambda inputs: network((8 * inputs).round() / 8)  # noqa: E731
    moved = projected_gradient(quantised, *few, 0.1)
    lines = reliability_checks(quantised, *few, 0.1, moved)
    assert {SLOPE, BLACK_BOX, "an unbounded attack reaches 0 %"} <= failed(lines)
    assert accuracy(quantised, moved, few[1]) > accuracy(network, adversarial, few[1]) + 0.1


def test_a_single_step_is_no_robust_accuracy(network, few):
    weak = fast_gradient(network, *few, 0.1)
    assert "more steps and restarts find nothing more" in failed(reliability_checks(network, *few, 0.1, weak))


def test_unperturbed_inputs_are_no_robust_accuracy(network, few):
    lines = reliability_checks(network, *few, 0.1, few[0])
    assert {"a single step finds nothing more", "more steps and restarts find nothing more", BLACK_BOX} <= failed(lines)


def test_inputs_beyond_epsilon_or_the_range_are_flagged(network, few, adversarial):
    line = "the adversarial inputs lie within epsilon and the range of pixels"
    assert line in failed(reliability_checks(network, *few, 0.05, adversarial))
    assert line in failed(reliability_checks(network, *few, 0.1, adversarial - 0.001))


def test_predictions_instead_of_scores_are_flagged(network, few, adversarial):
    lines = reliability_checks(lambda inputs: network(inputs).softmax(1), *few, 0.1, adversarial)
    assert "the scores are no probabilities" in failed(lines)


def test_a_model_that_draws_noise_is_flagged(network, few, adversarial):
    random = torch.Generator().manual_seed(0)
    noisy = lambda inputs: network(inputs) + 0.01 * torch.randn(len(inputs), 10, generator=random)  # noqa: E731
    assert "the scores are the same each time" in failed(reliability_checks(noisy, *few, 0.1, adversarial))


def test_batch_statistics_are_flagged(network, few, adversarial):
    """Batch normalisation that never takes its running statistics is what a model left in training mode looks like."""
    normalised = nn.Sequential(nn.BatchNorm2d(1, affine=False, track_running_stats=False), network)
    assert "an example's scores do not depend on its batch" in failed(
        reliability_checks(normalised, *few, 0.1, adversarial)
    )


def test_a_model_left_in_training_mode_is_judged_in_evaluation_mode(network, few, adversarial):
    model = nn.Sequential(nn.Dropout(0.5), network).train()
    assert not failed(reliability_checks(model, *few, 0.1, adversarial)) and model.training
    model.eval()


def test_a_model_that_always_says_the_same_is_flagged(few):
    inputs, labels = few
    constant = lambda inputs: torch.eye(10)[0] + 0 * inputs.flatten(1)[:, :10]  # noqa: E731
    assert {SLOPE, "an unbounded attack reaches 0 %"} <= failed(
        reliability_checks(constant, inputs, labels, 0.1, inputs)
    )


def test_accuracy_that_rises_with_epsilon_is_flagged():
    """A model that brightness fools, with a slope as long as no pixel has moved by more than 0.11."""
    inputs, labels = torch.full((6, 1, 8, 8), 0.3), torch.zeros(6, dtype=torch.int64)

    def model(moved):
        away = (moved - 0.3).flatten(1)
        score = torch.where(away.abs().amax(1) > 0.11, 1.0, 1 - 15 * away.mean(1).abs())
        return torch.stack([score, torch.zeros_like(score)], 1)

    assert "accuracy falls with epsilon" in failed(
        reliability_checks(model, inputs, labels, 0.1, strong(model, inputs, labels, 0.1))
    )


def test_a_transfer_that_beats_the_direct_attack_is_flagged():
    assert transfer_check(0.40, [0.55, 0.90]).passed and transfer_check(0.40, []).gap == 0
    check = transfer_check(0.40, [0.55, 0.35])
    assert not check.passed and check.gap == pytest.approx(0.05)
