"""Sparse representations under a hard constraint: orthogonal matching pursuit, for many signals at once.

    argmin over h with |h|_0 <= k of |x - W h|^2,    the columns of W being the atoms

Pursuit takes greedily the atom that has the largest |w . r| / |w| with what is left, r = x - W h, and after each step
projects x onto the span of all it has: it keeps an orthonormal basis q_1 ... q_j of the span, which is the Cholesky
factor of the chosen atoms' Gram matrix written out. Neither x nor q is needed for it, only products with the atoms:

    c = W^T q_j = (G e_i - sum_l (w_i . q_l) c_l) / length,    W^T r <- W^T r - (w_i . r / length) c,    G = W^T W

with i the atom taken and length^2 = |w_i|^2 - sum_l (w_i . q_l)^2, what of it is new. If W is orthonormal, c = e_i: the
products never change, so that the k largest of W^T x are the answer, and the best one. If not, pursuit still finds the
atoms a signal is made of when they are fewer than (1 + 1/mu) / 2, mu the largest product of two atoms of length one.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.10; Pati, Rezaiifar and Krishnaprasad,
Orthogonal Matching Pursuit, 1993; Rubinstein, Zibulevsky and Elad, Efficient Implementation of the K-SVD Algorithm
Using Batch Orthogonal Matching Pursuit, 2008; Tropp, Greed is Good, 2004, theorem B; Engan, Aase and Husoy, Method of
Optimal Directions for Frame Design, 1999.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Le
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from reglab.data import source
from reglab.errors import UserError
from reglab.figures import COLORS, canvas
from reglab.oracle import Check, distance
from reglab.streams import generator
from reglab.theory.base import Finding, Topic

PIXELS = 64
ATOMS = 128  # of the overcomplete dictionaries
ROUNDS = 10  # of learning one
TOGETHER = 512  # signals pursued at once, so that their tables stay in the processor's cache


def pursue(signals: Tensor, dictionary: Tensor, active: int) -> Tensor:
    """Codes (n, atoms) with at most `active` non-zeros for signals (n, features) and a dictionary (features, atoms).

    Fewer than `active` where nothing is left to explain, or where what is left is in no atom's reach but those of atoms
    that depend on the ones taken: such an atom is never taken. Atoms may have any length. UserError when `active` is not
    within 1 and the number of atoms, when an atom is zero, and when an atom or a signal is not finite.
    """
    check(signals, dictionary, active)
    lengths = dictionary.norm(dim=0)
    atoms = dictionary / lengths
    gram = atoms.T @ atoms
    return torch.cat([pursued(part, gram, active) for part in (signals @ atoms).split(TOGETHER)]) / lengths


def pursued(products: Tensor, gram: Tensor, active: int) -> Tensor:
    """Codes for products W^T x (n, atoms), given G = W^T W of atoms of length one."""
    count, size = products.shape
    least = 10 * torch.finfo(gram.dtype).eps
    rows, left = torch.arange(count), products.clone()
    enough = least * products.abs().amax(1)
    basis = gram.new_zeros(count, active, size)  # c_j of each step
    factor = torch.eye(active, dtype=gram.dtype).repeat(count, 1, 1)  # L of the Cholesky factorisation L L^T
    along = gram.new_zeros(count, active)  # q_j . x
    chosen = torch.zeros(count, active, dtype=torch.long)
    for step in range(active):
        taken = left.abs().argmax(1)
        parts = basis[rows, :step, taken]
        length = (1 - parts.square().sum(1)).clamp(min=0).sqrt()
        going = (length > least**0.5) & (left[rows, taken].abs() > enough)
        if not going.any():
            break
        new = (gram[taken] - torch.einsum("nl,nla->na", parts, basis[:, :step])) / length[:, None]
        basis[:, step] = new.where(going[:, None], 0)
    return left
