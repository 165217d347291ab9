"""The solver on problems of a textbook: its optimum, finite differences, and SciPy's two solvers."""

import numpy as np
import pytest
import torch
from hock_schittkowski import KNOWN
from scipy.optimize import NonlinearConstraint
from scipy.optimize import minimize as scipy_minimize
from torch.autograd.functional import hessian, jacobian

from reglab.experiments.theory.multipliers import Solution, minimise


@pytest.fixture(scope="module")
def solutions() -> dict[int, Solution]:
    return {number: minimise(entry.problem) for number, entry in KNOWN.items()}


@pytest.mark.parametrize("number", KNOWN)
def test_the_optimum_is_that_of_the_textbook_and_the_four_conditions_hold(solutions, number):
    solution, entry = solutions[number], KNOWN[number]
    assert solution.point.x.numpy() == pytest.approx(entry.x, abs=1e-4)
    assert entry.problem.values(solution.point.x)[0].item() == pytest.approx(entry.value, rel=1e-6, abs=1e-6)
    assert max(solution.residuals) < 1e-6


@pytest.mark.parametrize("number", KNOWN)
def test_the_residuals_are_those_of_a_finite_difference(solutions, number):
    """The four conditions computed again, with NumPy, without a line of the solver."""
    problem, point = KNOWN[number].problem, solutions[number].point
    x, equal, unequal = (part.numpy() for part in point)

    def values(constraints, at):
        return np.array([float(c(*torch.tensor(at))) for c in constraints.values()])

    def pulled(at):
        return (
            float(problem.objective(*torch.tensor(at)))
            + equal @ values(problem.equalities, at)
            + unequal @ values(problem.inequalities, at)
        )

    step = 1e-5
    slope = [(pulled(x + step * unit) - pulled(x - step * unit)) / (2 * step) for unit in np.eye(len(x))]
    assert np.abs(slope).max() < 1e-5
    assert all(np.abs(values(problem.equalities, x)) < 1e-6) and all(values(problem.inequalities, x) < 1e-6)
    assert all(unequal >= 0) and all(np.abs(unequal * values(problem.inequalities, x)) < 1e-6)


@pytest.mark.filterwarnings("ignore:Constraint options:scipy.optimize.OptimizeWarning")
@pytest.mark.parametrize("method", ["SLSQP", "trust-constr"])
@pytest.mark.parametrize("number", KNOWN)
def test_scipys_solvers_end_at_the_same_optimum_and_multipliers(solutions, number, method):
    problem, point = KNOWN[number].problem, solutions[number].point

    def part(place):
        return lambda x: problem.values(torch.as_tensor(x))[place].numpy()

    def slope(place):
        return lambda x: jacobian(lambda x: problem.values(x)[place], torch.as_tensor(x)).numpy()

    def curvature(place):
        return lambda x, v=1.0: hessian(
            lambda x: (problem.values(x)[place] * torch.as_tensor(v)).sum(), torch.as_tensor(x)
        )

    constraints = []
    for place, low, size in ((1, 0.0, len(point.equality)), (2, -np.inf, len(point.inequality))):
        bounds = np.full(size, low), np.zeros(size)
        if size:
            constraints.append(NonlinearConstraint(part(place), *bounds, jac=slope(place), hess=curvature(place)))
    given = {"x0": np.array(problem.start, dtype=float), "jac": slope(0), "method": method, "constraints": constraints}
    if method == "SLSQP":
        theirs = scipy_minimize(lambda x: float(part(0)(x)), **given, options={"ftol": 1e-14})
    else:
        barrier = {"initial_barrier_parameter": 1e-8, "initial_barrier_tolerance": 1e-8, "barrier_tol": 1e-12}
        options = {"gtol": 1e-9, "xtol": 1e-12, "maxiter": 3000} | barrier
        theirs = scipy_minimize(lambda x: float(part(0)(x)), **given, hess=curvature(0), options=options)
        assert np.concatenate(theirs.v) == pytest.approx(torch.cat(point[1:]).numpy(), abs=1e-3)
    assert theirs.fun == pytest.approx(problem.values(point.x)[0].item(), rel=1e-5, abs=1e-5)


def test_multipliers_of_rosen_and_suzukis_problem_are_the_known_ones(solutions):
    assert solutions[43].point.inequality.numpy() == pytest.approx([1, 0, 2], abs=1e-10)


@pytest.mark.parametrize("first", [0.1, 1.0, 1000.0])
def test_the_penalty_decides_the_path_and_not_the_end(first):
    solution = minimise(KNOWN[71].problem, penalty=first)
    assert solution.point.x.numpy() == pytest.approx(KNOWN[71].x, abs=1e-4) and max(solution.residuals) < 1e-6
