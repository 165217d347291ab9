"""Handwritten digits: 1,797 real images of 8x8 pixels in ten classes, shipped with scikit-learn.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
"""

import numpy as np


def load() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 1, 8, 8) as float32 in [0, 1], and classes (1797,) as int64."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return (digits.images[:, None] / 16).astype(np.float32), digits.target.astype(np.int64)
