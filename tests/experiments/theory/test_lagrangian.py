"""The solver against closed forms and on problems that have no answer; the topic against its closed form and its dual."""

from math import sqrt

import numpy as np
import pytest
import torch
from scipy.optimize import minimize as scipy_minimize

from reglab.core import figures
from reglab.core.errors import UserError
from reglab.experiments.theory.multipliers import PrimalDualPoint, Problem, lagrangian, minimise, residuals
from reglab.experiments.theory.topics.lagrangian import FREE, Lagrangian, dual, known, loss, problem
from reglab.training import reference_problems


@pytest.mark.parametrize("seed", range(5))
def test_a_convex_quadratic_problem_with_equalities_is_one_linear_system(seed):
    random = torch.Generator().manual_seed(seed)
    root, normals = (torch.randn(rows, 5, generator=random, dtype=torch.float64) for rows in (7, 2))
    linear, level = (torch.randn(size, generator=random, dtype=torch.float64) for size in (5, 2))
    curvature = root.T @ root
    matrix = torch.cat([torch.cat([curvature, normals.T], 1), torch.cat([normals, torch.zeros(2, 2)], 1)])
    exact = torch.linalg.solve(matrix, torch.cat([-linear, level]))
    problem = Problem(
        lambda *x: torch.stack(x) @ curvature @ torch.stack(x) / 2 + linear @ torch.stack(x),
        (0.0,) * 5,
        {f"row {row}": lambda *x, row=row: normals[row] @ torch.stack(x) - level[row] for row in range(2)},
    )
    point = minimise(problem).point
    assert torch.cat([point.x, point.equality]).numpy() == pytest.approx(exact.numpy(), abs=1e-9)


@pytest.mark.parametrize("strength", [0.01, 1.0, 30.0])
def test_the_multiplier_of_a_bound_on_the_norm_is_the_strength_of_weight_decay(strength):
    inputs, targets, _ = reference_problems.regression()
    decayed = reference_problems.ridge(inputs, targets, strength)
    inputs, targets = inputs - inputs.mean(0), (targets - targets.mean(0)).flatten()
    bounded = Problem(
        lambda *w: (inputs @ torch.stack(w) - targets).square().mean() / 2,
        (0.0,) * 4,
        inequalities={"norm": lambda *w: (torch.stack(w).square().sum() - decayed.square().sum()) / 2},
    )
    point = minimise(bounded).point
    assert point.inequality.item() == pytest.approx(strength, rel=1e-8)
    assert point.x.numpy() == pytest.approx(decayed.numpy(), abs=1e-9)


def test_residuals_tell_what_is_wrong():
    """At x = 2 with multiplier a of x <= 1 and loss (x - 3)^2: slope -2 + a, missed by 1, a * 1, max(0, -a)."""
    problem = Problem(lambda x: (x - 3) ** 2, (0.0,), {}, {"x <= 1": lambda x: x - 1})

    def at(x, multiplier):
        return residuals(problem, PrimalDualPoint(*(torch.tensor(part).double() for part in ([x], [], [multiplier]))))

    assert at(2.0, 0.5) == (1.5, 1.0, 0.5, 0.0)
    assert at(2.0, -0.5) == (2.5, 1.0, 0.5, 0.5)
    assert at(1.0, 4.0) == (0.0, 0.0, 0.0, 0.0)


def test_a_constraint_that_is_not_felt_has_multiplier_zero_and_changes_nothing():
    free = Problem(lambda x, y: (x - 1) ** 2 + (y - x**2) ** 2, (3.0, 1.0))
    bounded = Problem(free.objective, free.start, {}, {"x <= 1.5": lambda x, y: x - 1.5})
    assert minimise(bounded).point.inequality.tolist() == [0.0]
    for either in (free, bounded):
        assert minimise(either).point.x.numpy() == pytest.approx([1, 1], abs=1e-9)


def test_a_concave_objective_ends_at_a_corner_although_the_first_penalty_cannot_hold_it():
    bounds = {"low": lambda x: -1 - x, "high": lambda x: x - 1}
    solution = minimise(Problem(lambda x: -(x**2), (0.3,), {}, bounds), penalty=0.1)
    assert solution.point.x.item() == pytest.approx(1) and solution.point.inequality.tolist() == pytest.approx([0, 2])


def test_outside_of_a_logarithms_domain_the_search_turns_back():
    solution = minimise(Problem(lambda x: x - x.log(), (3.0,), {}, {"x <= 1/2": lambda x: x - 0.5}))
    assert solution.point.x.item() == pytest.approx(0.5) and solution.point.inequality.item() == pytest.approx(1)


def test_constraints_that_contradict_each_other_are_named_with_what_they_miss():
    contradiction = {"x >= 1": lambda x: 1 - x, "x <= 0": lambda x: x, "x <= 9": lambda x: x - 9}
    with pytest.raises(UserError) as error:
        minimise(Problem(lambda x: x**2, (3.0,), {}, contradiction))
    first, second = error.value.lines
    assert first.startswith(
        "the constraint x >= 1 cannot be met together with the others: missed by at least 0.5 around x = (0.5)"
    )
    assert second.startswith("the constraint x <= 0 cannot be met together with the others: missed by at least 0.5")


def test_a_constraint_that_nothing_meets_is_named_with_what_it_misses():
    with pytest.raises(UserError) as error:
        minimise(Problem(lambda x: x, (2.0,), {"x² = -4": lambda x: x**2 + 4}))
    assert error.value.lines[0].startswith("the constraint x² = -4 cannot be met: missed by at least 4 around x = (")


def test_an_objective_without_bound_is_refused():
    for inequalities in ({}, {"y <= 1": lambda x, y: y - 1}):
        with pytest.raises(UserError, match="falls without bound"):
            minimise(Problem(lambda x, y: y**2 - x, (3.0, 1.0), {}, inequalities))


def test_a_start_without_a_finite_value_is_refused():
    with pytest.raises(UserError, match=r"the start x = \(-3\).*no finite number"):
        minimise(Problem(lambda x: x.log(), (-3.0,)))


def test_where_no_multiplier_exists_the_residuals_say_so():
    """x^2 <= 0 leaves x = 0, where the constraint has no slope that could balance that of the loss."""
    solution = minimise(Problem(lambda x: x, (3.0,), {}, {"x² <= 0": lambda x: x**2}))
    assert abs(solution.point.x.item()) < 1e-2 and max(solution.residuals) > 1e-6


@pytest.mark.parametrize(("total", "radius"), [(2.0, 1.6), (2.0, 2.5), (0.0, 0.3), (3.0, 2.2)])
def test_the_closed_form_meets_the_conditions_and_no_feasible_point_is_better(total, radius):
    x, equality, inequality = known(total, radius)
    along = np.linspace(0, total, 20_001) if total else np.linspace(0, radius, 20_001)
    points = np.stack([along, total - along])
    inside = (points**2).sum(0) <= radius**2
    assert loss(*x).item() <= loss(*points[:, inside]).min() + 1e-12
    slope = [
        c + equality.item() + 2 * inequality[0].item() * w for c, w in zip(slope_of_loss(x), x.tolist(), strict=True)
    ]
    assert slope == pytest.approx([0, 0], abs=1e-12) and inequality.min() >= 0


def slope_of_loss(x):
    point = x.clone().requires_grad_()
    return torch.autograd.grad(loss(*point), point)[0].tolist()


def test_the_dual_is_the_least_value_of_the_lagrangian():
    equality, inequality = torch.tensor([0.7]).double(), torch.tensor([0.4, 0.2]).double()

    def of(x):
        g, h = x[0] + x[1] - 2, (x[0] ** 2 + x[1] ** 2 - 1.6**2, -x[0])
        return loss(*x) + 0.7 * g + 0.4 * h[0] + 0.2 * h[1]

    least = scipy_minimize(of, FREE.numpy(), tol=1e-12).fun
    assert dual(2.0, 1.6, equality, inequality).item() == pytest.approx(least, abs=1e-7)


def test_the_lagrangian_is_the_weighted_sum():
    problem = Problem(lambda x, y: x * y, (1.0, 2.0), {"g": lambda x, y: x - y}, {"h": lambda x, y: x + y})
    point = PrimalDualPoint(*(torch.tensor(part).double() for part in ([3, 5], [7], [11])))
    assert lagrangian(problem, point).item() == 15 + 7 * -2 + 11 * 8


@pytest.mark.parametrize(("total", "radius", "penalty"), [(3.0, 5.0, 1000.0), (0.0, 0.1, 0.1), (2.0, 1.4284, 0.01)])
def test_the_solver_is_right_for_whatever_a_reader_sets(total, radius, penalty):
    topic = Lagrangian(total, radius, penalty)
    checks = topic.checks(minimise(problem(total, radius), penalty=penalty))
    assert all(check.passed for check in checks), checks


def test_every_check_holds_and_again_to_the_bit():
    one, other = Lagrangian().run(), Lagrangian().run()
    assert one.checks and all(check.passed for check in one.checks), one.checks
    assert one.numbers == other.numbers and one.checks == other.checks
    assert figures.svg(one.figure) == figures.svg(other.figure)


def test_a_circle_that_does_not_reach_the_line_is_refused_with_the_radius_that_would():
    with pytest.raises(UserError, match=rf"theory.lagrangian.radius: found 1; allowed: at least {1.01 * sqrt(2):.4g}"):
        Lagrangian(total=2.0, radius=1.0).run()
