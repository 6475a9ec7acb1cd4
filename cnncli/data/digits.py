"""The 8x8 digits that scikit-learn carries: the dataset that needs no file and no network."""

import numpy as np

from cnncli.data.digits_split import TEST
from cnncli.errors import DataError


def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images (count, 8, 8, 1) uint8 and labels (count,) int64 of "train" or "test".

    The original values 0..16 are stretched to 0..255. Raises DataError where the installed scikit-learn carries
    another number of digits.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    values, labels = np.asarray(digits.images), np.asarray(digits.target)
    if values.shape != (1797, 8, 8) or labels.shape != (1797,):
        raise DataError(f"scikit-learn's digits: expected 1797 images of 8x8, found {values.shape}")
    chosen = np.zeros(len(values), dtype=bool)
    chosen[list(TEST)] = True
    if split == "train":
        chosen = ~chosen
    images = np.rint(values[chosen] * 255 / 16).astype(np.uint8)
    return images[..., np.newaxis], labels[chosen]
