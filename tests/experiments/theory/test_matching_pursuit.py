"""Pursuit against scikit-learn, against a loop written out, against exhaustive search, and at its edges."""

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.fft import dctn
from sklearn.linear_model import orthogonal_mp, orthogonal_mp_gram

from reglab.core import figures
from reglab.core.errors import UserError
from reglab.experiments.theory.topics.matching_pursuit import (
    MatchingPursuit,
    coherence,
    cosines,
    digits,
    error,
    keep_largest,
    learned,
    pursue,
)


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def unit(dictionary):
    return dictionary / dictionary.norm(dim=0)


def looped(signal, dictionary, active):
    """The definition: take the atom nearest in angle to what is left, solve least squares on all that are taken."""
    taken, left = [], signal
    for _ in range(active):
        taken.append(int(np.argmax(np.abs(left @ dictionary) / np.linalg.norm(dictionary, axis=0))))
        code = np.linalg.lstsq(dictionary[:, taken], signal, rcond=None)[0]
        left = signal - dictionary[:, taken] @ code
    result = np.zeros(dictionary.shape[1])
    result[taken] = code
    return result


@pytest.mark.parametrize("features, atoms", [(20, 20), (20, 60), (30, 12)])
@pytest.mark.parametrize("active", [1, 2, 5, 12])
def test_codes_are_scikit_learns(features, atoms, active):
    dictionary, signals = unit(normal(features, atoms)), normal(300, features, seed=1)
    ours = pursue(signals, dictionary, active).numpy()
    theirs = orthogonal_mp(dictionary.numpy(), signals.T.numpy(), n_nonzero_coefs=active).T
    assert np.abs(ours - theirs).max() < 1e-10
    gram, products = dictionary.T @ dictionary, dictionary.T @ signals.T
    assert np.abs(ours - orthogonal_mp_gram(gram.numpy(), products.numpy(), n_nonzero_coefs=active).T).max() < 1e-10


def test_codes_are_scikit_learns_on_digits_with_images_as_atoms():
    """Images are not centred: any two have a large product."""
    train, test = digits()
    dictionary = unit(train[:200].T)
    assert coherence(dictionary) > 0.95
    theirs = orthogonal_mp(dictionary.numpy(), test[:50].T.numpy(), n_nonzero_coefs=10).T
    assert np.abs(pursue(test[:50], dictionary, 10).numpy() - theirs).max() < 1e-8


def test_atoms_of_any_length_are_chosen_by_their_angle():
    dictionary, signals = normal(15, 40) * torch.logspace(-3, 3, 40, dtype=torch.float64), normal(20, 15, seed=1)
    ours = pursue(signals, dictionary, 6)
    for signal, code in zip(signals.numpy(), ours.numpy(), strict=True):
        wanted = looped(signal, dictionary.numpy(), 6)
        assert code == pytest.approx(wanted, rel=1e-8, abs=1e-10 * np.abs(wanted).max())
    scaled = pursue(signals, unit(dictionary), 6) / dictionary.norm(dim=0)
    assert (ours - scaled).abs().max() < 1e-12 * ours.abs().max()


@pytest.mark.parametrize("shape", [(24, 24), (24, 10)])
@pytest.mark.parametrize("active", [1, 4, 10])
def test_for_orthonormal_atoms_the_fast_path_is_the_general_one(shape, active):
    basis, signals = torch.linalg.qr(normal(*shape)).Q, normal(200, 24, seed=1)
    assert (keep_largest(signals, basis, active) - pursue(signals, basis, active)).abs().max() < 1e-12


def test_for_orthonormal_atoms_no_other_choice_is_better():
    basis, signals = torch.linalg.qr(normal(7, 7)).Q, normal(30, 7, seed=1)
    for active in (1, 3, 6):
        left = (signals - keep_largest(signals, basis, active) @ basis.T).norm(dim=1)
        for part in combinations(range(7), active):
            chosen = basis[:, list(part)]
            assert (left <= (signals - signals @ chosen @ chosen.T).norm(dim=1) + 1e-12).all()


def test_atoms_that_are_not_orthonormal_are_refused_by_the_fast_path():
    with pytest.raises(UserError, match=r"W\^T W off I by .* allowed: orthonormal columns"):
        keep_largest(normal(3, 5), unit(normal(5, 5)), 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("active", [1, 3, 8, 20])
def test_there_are_never_more_non_zeros_than_allowed(dtype, active):
    dictionary, signals = normal(8, 20, dtype=dtype), normal(500, 8, seed=1, dtype=dtype)
    codes = pursue(signals, dictionary, active)
    assert codes.dtype == dtype and codes.isfinite().all()
    assert (codes != 0).sum(1).max() == min(active, 8)  # eight atoms explain eight features


def test_what_is_left_is_orthogonal_to_the_atoms_taken():
    dictionary, signals = normal(20, 60), normal(100, 20, seed=1)
    codes = pursue(signals, dictionary, 9)
    assert (((signals - codes @ dictionary.T) @ dictionary) * (codes != 0)).abs().max() < 1e-12


def test_signals_do_not_see_each_other():
    dictionary, signals = normal(20, 60), normal(300, 20, seed=1)
    together = pursue(signals, dictionary, 5)
    apart = torch.cat([pursue(signal[None], dictionary, 5) for signal in signals[::37]])
    assert (together[::37] - apart).abs().max() < 1e-12


def test_a_signal_made_of_few_atoms_is_found_again_and_nothing_is_added():
    union = torch.cat([torch.eye(64, dtype=torch.float64), cosines(8)], 1)
    assert 2 < (1 + 1 / coherence(union)) / 2 < 3
    codes = torch.zeros(100, 128, dtype=torch.float64)
    codes[torch.arange(100), torch.arange(100)] = 1.0
    codes[torch.arange(100), 127 - torch.arange(100) % 27] = -2.0
    for active in (2, 5):
        result = pursue(codes @ union.T, union, active)
        assert (result - codes).abs().max() < 1e-12 and (result != 0).sum(1).max() == 2


def test_where_atoms_depend_on_each_other_only_independent_ones_are_taken():
    """Columns 3 and 4 are in the plane of the first two; 5 repeats the first."""
    plane = normal(6, 2)
    dictionary = torch.cat([plane, plane @ normal(2, 2, seed=1), plane[:, :1]], 1)
    signals = normal(50, 6, seed=2)
    codes = pursue(signals, dictionary, 5)
    assert (codes != 0).sum(1).max() == 2 and codes.abs().max() < 1e3
    best = torch.linalg.lstsq(plane, signals.T).solution
    assert (codes @ dictionary.T - (plane @ best).T).abs().max() < 1e-10


def test_a_signal_of_zeros_has_a_code_of_zeros_and_no_signal_has_no_code():
    dictionary = normal(6, 9)
    assert not pursue(torch.zeros(2, 6, dtype=torch.float64), dictionary, 4).any()
    assert pursue(torch.zeros(0, 6, dtype=torch.float64), dictionary, 4).shape == (0, 9)


@pytest.mark.parametrize("method", [pursue, keep_largest])
def test_problems_are_told_all_at_once(method):
    dictionary, signals = torch.eye(6, dtype=torch.float64), normal(4, 6)
    dictionary[:, 2] = 0
    dictionary[0, 4] = torch.nan
    signals[1, 0] = torch.inf
    with pytest.raises(UserError) as raised:
        method(signals, dictionary, 7)
    assert raised.value.lines == (
        "active: found 7; allowed: 1 to 6, the number of atoms",
        "dictionary: found columns that are zero: [2]; allowed: atoms of finite length above 0",
        "dictionary: found columns that are not finite: [4]; allowed: atoms of finite length above 0",
        "signals: found rows that are not finite: [1]; allowed: finite numbers",
    )
    with pytest.raises(UserError, match="active: found 0; allowed: 1 to 6"):
        method(normal(4, 6), torch.eye(6, dtype=torch.float64), 0)


def test_eight_cosines_are_scipys_transform_and_more_are_overcomplete():
    image = normal(8, 8)
    assert dctn(image.numpy(), norm="ortho").ravel() == pytest.approx((image.flatten() @ cosines(8)).numpy(), abs=1e-12)
    assert cosines(12).shape == (64, 144) and cosines(12).norm(dim=0).numpy() == pytest.approx(1)
    assert torch.linalg.matrix_rank(cosines(12)) == 64


def test_learned_atoms_have_length_one_and_explain_new_digits_better_than_cosines():
    train, test = digits()
    dictionary = learned(train, 100, 5)
    assert dictionary.shape == (64, 100) and dictionary.norm(dim=0).numpy() == pytest.approx(1)
    ours = error(test, pursue(test, dictionary, 5), dictionary)
    assert ours < 0.3 * error(test, keep_largest(test, cosines(8), 5), cosines(8))


@pytest.mark.parametrize("settings", [{}, {"active": 16, "atoms": 81}, {"active": 1, "atoms": 256}])
def test_every_check_holds(settings):
    result = MatchingPursuit(**settings).run()
    assert result.checks and all(check.passed for check in result.checks), result.checks


def test_the_finding_is_the_same_again_to_the_bit():
    one, other = MatchingPursuit().run(), MatchingPursuit().run()
    assert one.numbers == other.numbers and one.checks == other.checks
    assert figures.svg(one.figure) == figures.svg(other.figure)
