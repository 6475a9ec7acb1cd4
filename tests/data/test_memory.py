import numpy as np
import pytest

from cnncli.data import memory
from cnncli.errors import DataError


def test_mean_and_deviation_are_exact_however_many_images():
    images = np.random.default_rng(0).integers(0, 256, (600, 3, 5, 2), np.uint8)
    images[..., 1] //= 3
    mean, deviation = memory.statistics(images)
    assert mean == pytest.approx(images.mean(axis=(0, 1, 2)) / 255, rel=1e-12)
    assert deviation == pytest.approx(images.std(axis=(0, 1, 2)) / 255, rel=1e-12)


def test_more_than_the_limit_is_refused_before_it_is_taken():
    assert memory.empty("few", 3, (2, 4, 1)).shape == (3, 2, 4, 1)
    with pytest.raises(
        DataError, match=r"many: 60,000 images of 224x224x3 take 8\.4 GiB in memory; expected at most 8"
    ):
        memory.empty("many", 60_000, (224, 224, 3))
