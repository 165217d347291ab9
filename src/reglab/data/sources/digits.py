"""Handwritten digits: 1,797 real images of 8x8 pixels in ten classes, shipped with scikit-learn.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np


def load() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 1, 8, 8) as float32 in [0, 1], and classes (1797,) as int64.

    Those of `sklearn.datasets.load_digits`, read from its file: importing scikit-learn takes longer than `reglab check`.
    """
    file = Path(find_spec("sklearn").origin).parent / "datasets" / "data" / "digits.csv.gz"
    table = np.loadtxt(file, delimiter=",", dtype=np.float32)
    return table[:, :-1].reshape(-1, 1, 8, 8) / 16, table[:, -1].astype(np.int64)
