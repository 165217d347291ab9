"""Gradient descent on a quadratic against torch, ridge against scikit-learn, and the reach of the lecture's rule."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from reglab.core import figures
from reglab.core.errors import UserError
from reglab.experiments.theory.topics.early_stopping import (
    EarlyStopping,
    descent_share,
    diabetes,
    equal_strength,
    iterated,
    nearest_strength,
    ridge_share,
)


@pytest.fixture(scope="module")
def data():
    inputs, targets = load_diabetes(return_X_y=True)
    return inputs * len(inputs) ** 0.5, targets - targets.mean()


@pytest.fixture(scope="module")
def spectrum():
    hessian, optimum = diabetes()
    eigenvalues, vectors = np.linalg.eigh(hessian)
    return hessian, optimum, eigenvalues, vectors


def test_the_closed_form_is_where_torchs_gradient_descent_stands_after_t_steps(data, spectrum):
    inputs, targets = (torch.as_tensor(array) for array in data)
    _, optimum, eigenvalues, vectors = spectrum
    weights = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=0.1)
    for _ in range(57):
        optimizer.zero_grad()
        ((inputs @ weights - targets).square().mean() / 2).backward()
        optimizer.step()
    closed = vectors @ (descent_share(eigenvalues, 0.1, 57) * (vectors.T @ optimum))
    assert np.abs(weights.detach().numpy() - closed).max() < 1e-10 * np.linalg.norm(optimum)


def test_the_ridge_share_gives_scikit_learns_ridge(data, spectrum):
    inputs, targets = data
    _, optimum, eigenvalues, vectors = spectrum
    theirs = Ridge(alpha=0.3 * len(inputs), fit_intercept=False, solver="cholesky").fit(inputs, targets).coef_
    ours = vectors @ (ridge_share(eigenvalues, 0.3) * (vectors.T @ optimum))
    assert np.abs(theirs - ours).max() < 1e-10 * np.linalg.norm(optimum)


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_with_a_strength_in_each_direction_descent_and_ridge_are_the_same(steps):
    eigenvalues = np.geomspace(1e-3, 4, 50)
    for rate in (0.01, 0.24, 0.4):
        strength = equal_strength(eigenvalues, rate, steps)
        assert np.abs(ridge_share(eigenvalues, strength) - descent_share(eigenvalues, rate, steps)).max() < 1e-12


def test_the_rule_is_off_by_half_of_steps_plus_one_times_rate_times_eigenvalue():
    """alpha eps t = 1 - (t + 1) eps lambda / 2 + O((t eps lambda)^2)."""
    for steps in (1, 5, 40):
        small = np.array([1e-2, 1e-3]) / steps
        product = equal_strength(small, 1.0, steps) * steps
        remainder = np.abs(product - (1 - (steps + 1) * small / 2))
        assert (remainder <= (steps * small) ** 2).all()
        assert (np.abs(product - 1) > (steps + 1) * small / 4).all()


def test_descent_never_shrinks_more_than_ridge_at_the_strength_of_the_rule():
    product = np.linspace(1e-4, 1, 200)[:, None]
    steps = np.arange(1, 300)
    assert (descent_share(product, 1.0, steps) >= ridge_share(product, 1 / steps) - 1e-14).all()


def test_the_two_shares_are_up_to_a_fifth_apart():
    x = np.linspace(0, 20, 200_001)
    gap = 1 - np.exp(-x) - x / (1 + x)
    assert gap.max() == pytest.approx(0.204, abs=5e-4) and x[gap.argmax()] == pytest.approx(2.51, abs=5e-3)
    assert np.abs(descent_share(x, 1e-4, 10_000) - ridge_share(x, 1.0)).max() == pytest.approx(0.204, abs=5e-4)


@pytest.mark.parametrize("steps", [1, 10, 100, 2000])
def test_no_strength_comes_nearer_than_the_nearest(spectrum, steps):
    _, optimum, eigenvalues, vectors = spectrum
    weights = vectors.T @ optimum

    def distance(strength):
        return np.linalg.norm((descent_share(eigenvalues, 0.05, steps) - ridge_share(eigenvalues, strength)) * weights)

    best = distance(nearest_strength(eigenvalues, weights, 0.05, steps))
    assert all(best <= distance(strength) + 1e-9 for strength in np.geomspace(1e-7, 1e4, 3000))
    assert best < distance(1 / (0.05 * steps))


def test_early_steps_stay_near_the_start_and_late_ones_near_the_optimum(spectrum):
    hessian, optimum, *_ = spectrum
    path = iterated(hessian, optimum, 0.2, 500)
    assert (np.diff(np.linalg.norm(path - optimum, axis=1)) < 0).all()
    reach = 0.2 * np.arange(501) * np.linalg.norm(hessian @ optimum)
    assert (np.linalg.norm(path, axis=1) <= reach + 1e-9).all()


@pytest.mark.parametrize("settings", [{}, {"learning_rate": 0.49, "steps": 7}, {"learning_rate": 1e-6, "steps": 1}])
def test_every_check_holds(settings):
    finding = EarlyStopping(**settings).run()
    assert finding.checks and all(check.passed for check in finding.checks), finding.checks
    assert all(np.isfinite(value) for value in finding.numbers.values())


def test_the_same_settings_give_the_same_numbers_and_the_same_picture():
    one, other = EarlyStopping().run(), EarlyStopping().run()
    assert one.numbers == other.numbers and one.checks == other.checks
    assert figures.svg(one.figure) == figures.svg(other.figure)


def test_a_rate_that_diverges_is_refused_and_the_limit_named(spectrum):
    limit = 2 / spectrum[2][-1]
    for rate in (limit, 0.6, 50.0):
        with pytest.raises(
            UserError, match=r"theory\.early_stopping\.learning_rate: found .* below 2 / lambda_max = 0\.497"
        ):
            EarlyStopping(learning_rate=rate).run()
    hessian, optimum, *_ = spectrum
    assert np.linalg.norm(iterated(hessian, optimum, limit * 1.01, 2000)[-1]) > 1e6 * np.linalg.norm(optimum)
    EarlyStopping(learning_rate=limit * 0.999).run()
