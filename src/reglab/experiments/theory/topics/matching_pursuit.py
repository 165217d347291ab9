"""Sparse representations with a limited number of non-zeros: orthogonal matching pursuit, for many signals at once.

A signal x is to be explained by at most k atoms, the columns of W:

    argmin over h with |h|_0 <= k of |x - W h|^2

Pursuit takes greedily the atom with the largest |w . r| / |w|, r = x - W h being what is left, and after each step
projects x onto the span of the atoms taken. Let q_1 ... q_j be an orthonormal basis of that span, extended by the
Gram-Schmidt process. Only products with atoms of length one are needed: with i the atom taken and G = W^T W

    length^2 = 1 - sum_l (w_i . q_l)^2,    W^T q_j = (G e_i - sum_l (w_i . q_l) W^T q_l) / length
    W^T r <- W^T r - (w_i . r / length) W^T q_j

and the w_i . q_l are the Cholesky factor of the Gram matrix of the atoms taken, from which h follows. If W is
orthonormal no product with another atom changes: the k largest of W^T x are the answer, and the best one there is. If not,
pursuit finds the atoms that a signal is made of when they are fewer than (1 + 1/mu) / 2, mu the largest product of two.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.10; Pati, Rezaiifar and Krishnaprasad,
Orthogonal Matching Pursuit, 1993; Rubinstein, Zibulevsky and Elad, Efficient Implementation of the K-SVD Algorithm
Using Batch Orthogonal Matching Pursuit, 2008; Tropp, Greed is Good, 2004, corollary 3.6; Engan, Aase and Husøy, Method
of Optimal Directions for Frame Design, 1999.
"""

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Le
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.core.errors import UserError
from reglab.core.figures import COLORS, canvas
from reglab.core.streams import generator
from reglab.data import load_source
from reglab.experiments.theory.base import Finding, Topic

SIDE, PIXELS = 8, 64
ROUNDS = 10  # of learning a dictionary
SHOWN = (1, 2, 4, 8, 16)  # non-zeros in the pictures
IMAGE = 6  # of the digits held out, in the pictures
DRAWN = ("pixels", "cosines", "learned")
TOGETHER = 128  # signals pursued at once: their tables stay in the processor's cache


def check(signals: Tensor, dictionary: Tensor, active: int) -> None:
    """Raise UserError with a line for each problem of the arguments of `pursue`."""
    atoms, lines = dictionary.shape[1], []
    if not 1 <= active <= atoms:
        lines.append(f"active: found {active}; allowed: 1 to {atoms}, the number of atoms")
    lengths = dictionary.norm(dim=0)
    for name, wrong in (("zero", lengths == 0), ("not finite", ~lengths.isfinite())):
        if columns := wrong.nonzero().flatten().tolist():
            lines.append(
                f"dictionary: found columns that are {name}: {columns}; allowed: atoms of finite length above 0"
            )
    if rows := (~signals.isfinite().all(1)).nonzero().flatten().tolist():
        lines.append(f"signals: found rows that are not finite: {rows}; allowed: finite numbers")
    if lines:
        raise UserError(*lines)


def pursue(signals: Tensor, dictionary: Tensor, active: int) -> Tensor:
    """Codes (n, atoms) with at most `active` non-zeros, for signals (n, features) and a dictionary (features, atoms).

    They are fewer where nothing is left to explain, up to rounding. An atom that depends on those taken is never taken.
    """
    check(signals, dictionary, active)
    lengths = dictionary.norm(dim=0)
    atoms = dictionary / lengths
    gram, products = atoms.T @ atoms, signals @ atoms
    return torch.cat([pursued(part, gram, active) for part in products.split(TOGETHER)]) / lengths


def pursued(left: Tensor, gram: Tensor, active: int) -> Tensor:
    """Codes for the products W^T x (n, atoms), which are spent, given G for atoms of length one."""
    rounding = 100 * torch.finfo(gram.dtype).eps
    enough, rows = rounding * left.abs().amax(1), torch.arange(len(left), device=left.device)
    basis = left.new_zeros(len(left), active, len(gram))  # W^T q_l
    factor = torch.eye(active, dtype=left.dtype, device=left.device).repeat(len(left), 1, 1)  # w_j . q_l
    along = left.new_zeros(len(left), active)  # x . q_l
    taken = torch.zeros(len(left), active, dtype=torch.long, device=left.device)
    for step in range(active):
        atom = left.abs().argmax(1)
        within = basis[rows, :step, atom]
        fresh = 1 - within.square().sum(1)
        length, product = fresh.clamp(min=rounding).sqrt(), left[rows, atom]
        going = (fresh > rounding) & (product.abs() > enough)
        if not going.any():
            break
        new = torch.baddbmm(gram[atom, None], within[:, None], basis[:, :step], alpha=-1)[:, 0] / length[:, None]
        along[:, step] = (product / length).where(going, 0)
        left -= along[:, step, None] * new
        basis[:, step], factor[:, step, :step], factor[:, step, step] = new, within, length
        taken[:, step] = atom
    values = torch.linalg.solve_triangular(factor.mT, along[..., None], upper=True)[..., 0]
    return left.new_zeros(left.shape).scatter_add_(1, taken, values)


def keep_largest(signals: Tensor, dictionary: Tensor, active: int) -> Tensor:
    """The codes of `pursue` by one multiplication, for orthonormal atoms: the products of largest size, the others zero."""
    check(signals, dictionary, active)
    gram = dictionary.T @ dictionary
    if (apart := distance(gram, torch.eye(len(gram)).to(gram))) > torch.finfo(gram.dtype).eps ** 0.5:
        raise UserError(f"dictionary: found W^T W off I by {apart:.2g}; allowed: orthonormal columns; use pursue")
    products = signals @ dictionary
    places = products.abs().topk(active, dim=1, sorted=False).indices
    return torch.zeros_like(products).scatter(1, places, products.gather(1, places))


def coherence(dictionary: Tensor) -> float:
    """mu, the largest product of two different atoms of length one."""
    atoms = dictionary / dictionary.norm(dim=0)
    return (atoms.T @ atoms).fill_diagonal_(0).abs().max().item()


def cosines(frequencies: int) -> Tensor:
    """Atoms (64, frequencies^2) of length one: products of cosines down and across an image of 8 x 8 pixels.

    With 8 frequencies they are orthonormal, the discrete cosine transform; with more there are more than pixels.
    """
    place, frequency = torch.arange(SIDE, dtype=torch.float64) + 0.5, torch.arange(frequencies, dtype=torch.float64)
    waves = torch.cos(torch.pi * place[:, None] * frequency / frequencies)
    waves /= waves.norm(dim=0)
    return torch.kron(waves, waves)


def learned(signals: Tensor, atoms: int, active: int) -> Tensor:
    """A dictionary (features, atoms) for these signals: pursue, then the atoms of least squares for the codes, in turn.

    It starts from signals; an atom that none takes becomes the signal that is explained worst.
    """
    start = torch.randperm(len(signals), generator=generator("matching_pursuit", "atoms"))[:atoms]
    dictionary = signals[start].T
    for _ in range(ROUNDS):
        codes = pursue(signals, dictionary, active)
        dictionary = torch.linalg.lstsq(codes, signals, driver="gelsd").solution.T
        idle = (codes != 0).sum(0) == 0
        worst = (signals - codes @ dictionary.T).norm(dim=1).argsort(descending=True)
        dictionary[:, idle] = signals[worst[: int(idle.sum())]].T
        dictionary /= dictionary.norm(dim=0)
    return dictionary


def digits() -> tuple[Tensor, Tensor]:
    """Images (n, 64) in [0, 1], every other one held out."""
    images = torch.as_tensor(load_source("digits")[0].reshape(-1, PIXELS), dtype=torch.float64)
    return images[::2], images[1::2]


def error(signals: Tensor, codes: Tensor, dictionary: Tensor) -> float:
    """|X - H W^T|^2 / |X|^2 over all signals."""
    return ((signals - codes @ dictionary.T).square().sum() / signals.square().sum()).item()


@dataclass(frozen=True)
class MatchingPursuit(Topic):
    """Digits by few atoms: of a dictionary of `atoms`, learned for codes with `active` non-zeros, and of four others."""

    lecture: ClassVar[str] = "sparse_representations"

    active: Annotated[int, Ge(1), Le(16)] = 6
    atoms: Annotated[int, Ge(81), Le(256)] = 144

    def run(self) -> Finding:
        train, test = digits()
        orthonormal = {
            "pixels": torch.eye(PIXELS, dtype=torch.float64),
            "cosines": cosines(SIDE),
            "principal components": torch.linalg.svd(train, full_matrices=False).Vh.T,
        }
        overcomplete = {
            "overcomplete cosines": cosines(round(self.atoms**0.5)),
            "learned": learned(train, self.atoms, self.active),
        }
        methods = dict.fromkeys(orthonormal, keep_largest) | dict.fromkeys(overcomplete, pursue)
        dictionaries, counts = orthonormal | overcomplete, sorted({*SHOWN, 3, 6, 12, 24, 32, self.active})
        codes, errors = {}, {}
        for name, dictionary in dictionaries.items():
            codes[name] = {count: methods[name](test, dictionary, count) for count in counts}
            errors[name] = {count: error(test, code, dictionary) for count, code in codes[name].items()}
        size = overcomplete["overcomplete cosines"].shape[1]
        numbers = {
            **{f"error_{name.replace(' ', '_')}": of[self.active] for name, of in errors.items()},
            **{f"coherence_{name.replace(' ', '_')}": coherence(of) for name, of in overcomplete.items()},
            "multiplications_per_image_orthonormal": PIXELS**2,
            "multiplications_per_image_overcomplete": size * (PIXELS + self.active * (self.active + 1) // 2),
        }
        checks = [*exact_checks(), *self.checks(test, dictionaries, codes, errors)]
        figure = self.draw(test, dictionaries, codes, errors)
        return Finding({name: float(value) for name, value in numbers.items()}, checks, figure)

    def checks(self, test: Tensor, dictionaries: dict, codes: dict, errors: dict) -> list[Check]:
        """On the digits held out."""
        too_many, leaning, rise = 0, 0.0, 0.0
        for name, dictionary in dictionaries.items():
            for count, code in codes[name].items():
                too_many = max(too_many, int((code != 0).sum(1).max()) - count)
                left = (test - code @ dictionary.T) @ dictionary
                leaning = max(leaning, (left * (code != 0)).abs().max().item())
            of = list(errors[name].values())
            rise = max([rise, *(late - early for early, late in pairwise(of))])
        general, learned = pursue(test, dictionaries["cosines"], self.active), dictionaries["learned"]
        slower = abs(error(test, general, dictionaries["cosines"]) - errors["cosines"][self.active])
        theirs = scikit_learn(test[:100], learned, self.active)
        return [
            Check("digits: non-zeros beyond the k allowed", float(too_many), 0.0),
            Check("digits: what is left is orthogonal to the atoms taken", leaning, 1e-10),
            Check("digits: the error never rises with k", rise, 1e-12),
            Check("digits: cosines, pursuit errs as the k largest products do", slower, 1e-12),
            Check("digits: scikit-learn's codes", distance(codes["learned"][self.active][:100], theirs), 1e-8),
        ]

    def draw(self, test: Tensor, dictionaries: dict, codes: dict, errors: dict) -> Figure:
        """Error against k; a digit by few atoms; the learned atoms."""
        figure, (curves, pictures, atoms) = canvas(7.4, 3.4, columns=3, gridspec_kw={"width_ratios": (1.9, 1, 0.9)})
        for name, color in zip(dictionaries, (*COLORS[3:5], COLORS[0], COLORS[2], COLORS[1]), strict=True):
            percent = [100 * value for value in errors[name].values()]
            curves.loglog(list(errors[name]), percent, "o-", color=color, markersize=3, label=name)
        curves.minorticks_off()
        curves.set_xticks((*SHOWN, 32), (*SHOWN, 32))
        curves.set_yticks((0.1, 1, 10, 100), ("0.1", "1", "10", "100"))
        curves.set(xlabel="non-zeros k", ylabel="squared error, held-out digits (%)")
        curves.legend(fontsize=7, loc="lower left")

        shown = [codes[name][count][IMAGE] @ dictionaries[name].T for count in SHOWN for name in DRAWN]
        tiles(pictures, torch.stack([*shown, *[test[IMAGE]] * len(DRAWN)]).clamp(0, 1), len(DRAWN))
        pictures.set_xticks(SIDE / 2 + (SIDE + 1) * np.arange(len(DRAWN)), DRAWN, fontsize=7)
        names = [f"k = {count}" for count in SHOWN]
        pictures.set_yticks(SIDE / 2 + (SIDE + 1) * np.arange(len(SHOWN) + 1), [*names, "digit"], fontsize=7)
        pictures.tick_params(length=0)
        learned = dictionaries["learned"].T
        learned = (learned - learned.amin(1, keepdim=True)) / (learned.amax(1) - learned.amin(1))[:, None]
        tiles(atoms, learned, round((self.atoms / 2) ** 0.5))
        atoms.set(xticks=[], yticks=[])
        atoms.set_title(f"{self.atoms} learned atoms", fontsize=9)
        return figure


def tiles(panel: Axes, images: Tensor, columns: int) -> None:
    """Images (n, 64) in [0, 1], in rows of so many, a pixel apart."""
    sheet = np.full((-(-len(images) // columns) * (SIDE + 1) - 1, columns * (SIDE + 1) - 1), np.nan)
    for place, image in enumerate(images.reshape(-1, SIDE, SIDE).numpy()):
        row, column = (SIDE + 1) * np.array(divmod(place, columns))
        sheet[row : row + SIDE, column : column + SIDE] = image
    shape = (0, sheet.shape[1], sheet.shape[0], 0)
    panel.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=shape)
    panel.spines[:].set_visible(False)
    panel.grid(False)


def scikit_learn(signals: Tensor, dictionary: Tensor, active: int) -> Tensor:
    """The codes that scikit-learn finds, which takes the atoms to have length one."""
    from sklearn.linear_model import orthogonal_mp

    return torch.as_tensor(orthogonal_mp(dictionary.numpy(), signals.T.numpy(), n_nonzero_coefs=active).T)


def exact_checks() -> list[Check]:
    """On random problems: other implementations, exhaustive search, and a theorem."""
    random = generator("matching_pursuit", "checks")

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64)

    signals, atoms, basis = normal(100, 20), normal(20, 50), torch.linalg.qr(normal(20, 20)).Q
    atoms /= atoms.norm(dim=0)
    few, square = signals[:, :8], torch.linalg.qr(normal(8, 8)).Q
    choices = [square[:, list(part)] for part in combinations(range(8), 3)]
    best = torch.stack([(few - few @ part @ part.T).norm(dim=1) for part in choices]).amin(0)
    gaps = (few - keep_largest(few, square, 3) @ square.T).norm(dim=1)

    union = torch.cat([torch.eye(PIXELS, dtype=torch.float64), cosines(SIDE)], 1)
    certain = int(np.ceil((1 + 1 / coherence(union)) / 2)) - 1
    places = torch.rand(100, union.shape[1], generator=random).topk(certain).indices
    codes = torch.zeros(100, union.shape[1], dtype=torch.float64).scatter(1, places, normal(100, certain))
    pursued_basis, pursued_codes = pursue(signals, basis, 7), pursue(codes @ union.T, union, certain)
    return [
        Check("scikit-learn's codes", distance(pursue(signals, atoms, 7), scikit_learn(signals, atoms, 7)), 1e-10),
        Check("orthonormal: k largest products", distance(keep_largest(signals, basis, 7), pursued_basis), 1e-10),
        Check("orthonormal: no choice of 3 atoms of 8 is better", distance(gaps, best), 1e-12),
        Check("codes of fewer than (1 + 1/mu)/2 atoms are found again", distance(pursued_codes, codes), 1e-10),
    ]
