"""Handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak 1998, the copy in scikit-learn)."""

from __future__ import annotations

import numpy as np

from nas_gym.tasks.data import Data


def digits() -> Data:
    """1,797 images (1, 8, 8) of 10 classes."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return Data(np.asarray(x).reshape(-1, 1, 8, 8), y)
