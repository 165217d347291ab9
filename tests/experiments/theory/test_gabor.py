"""The surfaces against autograd and SciPy's optimizers, the count of minima against Poincaré and Hopf, the positions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import differential_evolution, minimize

from reglab.core import figures
from reglab.experiments.theory.topics.gabor import (
    CENTRE,
    EXAMPLES,
    HIGH,
    LOW,
    TRUTH,
    Gabor,
    Surface,
    examples,
    gabor,
    penalty,
    plot_grid,
    stationary,
    turns,
)


@pytest.fixture(scope="module")
def before():
    return Surface(*examples(0.1))


@pytest.fixture(scope="module")
def after(before):
    return replace(before, strength=0.3)


@pytest.fixture(scope="module")
def finding():
    return Gabor().run()


def test_gradient_and_hessian_are_those_of_autograd(after):
    inputs, targets = map(torch.as_tensor, (after.inputs, after.targets))

    def height(point):
        u = point[0] + 0.06 * point[1] * inputs
        loss = (torch.sin(u) * torch.exp(-(u**2) / 32) - targets).square().sum()
        return loss + 0.3 * (point - torch.as_tensor(CENTRE)).square().sum()

    for place in np.random.default_rng(0).uniform(LOW, HIGH, (20, 2)):
        point = torch.as_tensor(place).requires_grad_()
        gradient, hessian = after.slopes(place)
        assert abs(after.value(place) - height(point).item()) < 1e-10
        assert np.abs(torch.autograd.grad(height(point), point)[0].numpy() - gradient).max() < 1e-10
        assert np.abs(torch.autograd.functional.hessian(height, point).numpy() - hessian).max() < 1e-9


def test_without_noise_the_global_minimum_is_the_truth_and_its_loss_zero():
    result = stationary(Surface(*examples(0.0)))
    assert np.abs(result.minima[0] - TRUTH).max() < 1e-9 and result.values[0] < 1e-18


def test_the_positions_of_the_global_minimum_are_those_of_the_record(finding):
    result = finding.numbers
    assert (result["offset_before"], result["frequency_before"]) == pytest.approx((-0.0131189, 16.2465517), abs=1e-6)
    assert (result["offset_after"], result["frequency_after"]) == pytest.approx((-0.0252897, 13.4779514), abs=1e-6)
    assert result["local_minima_before"] == 11 and result["local_minima_after"] == 6


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_differential_evolution_ends_at_the_same_global_minimum(before, strength):
    surface = replace(before, strength=strength)
    bounds = list(zip(LOW, HIGH, strict=True))
    theirs = differential_evolution(surface.value, bounds, seed=0, tol=1e-12, popsize=30)
    assert np.abs(theirs.x - stationary(surface).minima[0]).max() < 1e-5


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_every_descent_from_a_grid_that_stays_in_the_plot_ends_at_a_minimum_on_the_list(before, strength):
    surface = replace(before, strength=strength)
    minima = stationary(surface).minima
    reached = set()
    for start in plot_grid(13).reshape(-1, 2):
        end = minimize(surface.value, start, jac=lambda point: surface.slopes(point)[0], options={"gtol": 1e-8}).x
        if (end > LOW).all() and (end < HIGH).all():
            away = np.abs(minima - end).max(1)
            assert away.min() < 1e-4
            reached.add(int(away.argmin()))
    assert reached == set(range(len(minima)))


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_minima_and_maxima_less_saddles_are_the_turns_of_the_gradient(noise):
    for strength in (0.0, 0.01, 0.06, 0.3, 1.0, 20.0):
        surface = Surface(*examples(noise), strength)
        assert abs(stationary(surface).index - turns(surface)) < 1e-9


def test_of_a_bowl_the_centre_is_the_one_stationary_point():
    result = stationary(Surface(np.empty(0), np.empty(0), 0.7))
    assert np.abs(result.points - CENTRE).max() < 1e-12 and result.index == 1
    assert np.abs(result.curvatures - 1.4).max() < 1e-12


@pytest.mark.parametrize("strength", [0.15, 0.3, 1.0, 100.0])
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.2, 0.3])
def test_over_the_range_of_settings_the_minima_are_fewer_than_without_a_penalty(noise, strength):
    surface = Surface(*examples(noise), strength)
    assert 1 <= len(stationary(surface).minima) < len(stationary(replace(surface, strength=0.0)).minima)


def test_a_small_penalty_makes_more_minima(finding):
    assert finding.numbers["most_local_minima_on_path"] > finding.numbers["local_minima_before"]


def test_where_the_sum_is_convex_one_minimum_is_left(before, finding):
    strength = 1.01 * finding.numbers["convex_from_strength"]
    surface = replace(before, strength=strength)
    assert np.linalg.eigvalsh(surface.slopes(plot_grid())[1]).min() > 0
    assert len(stationary(surface).points) == 1


def test_a_strong_penalty_leaves_a_gradient_step_from_the_centre(before):
    for strength in (1e3, 1e4):
        wanted = CENTRE - before.slopes(CENTRE)[0] / (2 * strength)
        result = stationary(replace(before, strength=strength)).minima
        assert len(result) == 1 and np.abs(result[0] - wanted).max() < 100 / strength**2


def test_the_global_minimum_gives_loss_for_nearness_and_balances_them(before):
    best = [stationary(replace(before, strength=strength)).minima[0] for strength in (0.0, 0.05, 0.3, 2.0)]
    assert (np.diff(penalty(np.array(best))) < 0).all() and (np.diff(before.loss(np.array(best))) > 0).all()
    assert np.abs(before.slopes(best[2])[0] + 0.6 * (best[2] - CENTRE)).max() < 1e-9


def test_the_examples_lie_in_the_range_and_noise_only_moves_their_targets():
    inputs, clean = examples(0.0)
    again, noisy = examples(0.2)
    assert (inputs == again).all() and len(inputs) == EXAMPLES and np.abs(inputs).max() <= 15
    assert (clean == gabor(inputs, TRUTH)).all()
    assert np.abs((noisy - clean) / 2 - (examples(0.1)[1] - clean)).max() < 1e-12 and (noisy != clean).all()


@pytest.mark.parametrize("entry", [{"strength": 0.15, "noise": 0.3}, {"strength": 100.0, "noise": 0.0}])
def test_the_checks_hold_at_the_ends_of_the_ranges(entry):
    assert not [check for check in Gabor(**entry).run().checks if not check.passed]


def test_the_topic_holds_its_checks_and_is_deterministic_down_to_its_figure(finding):
    assert not [check for check in finding.checks if not check.passed]
    assert all(isinstance(value, float) and np.isfinite(value) for value in finding.numbers.values())
    again = Gabor().run()
    assert again.numbers == finding.numbers and again.checks == finding.checks
    assert figures.svg(again.figure) == figures.svg(finding.figure)
