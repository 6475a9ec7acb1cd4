import numpy as np
import pytest
from PIL import Image

from cnncli.data.framing import Framing


def pattern(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def test_a_picture_of_the_size_stays_as_it_is() -> None:
    for channels in (1, 3):
        pixels = pattern(28, 20, channels)
        assert np.array_equal(Framing((28, 20))(pixels), pixels)


def test_the_largest_middle_is_kept() -> None:
    pixels = np.zeros((4, 10, 1), np.uint8)
    pixels[:, 3:7] = 200
    assert np.array_equal(Framing((4, 4))(pixels), np.full((4, 4, 1), 200))
    assert np.array_equal(Framing((4, 4))(pixels.transpose(1, 0, 2)), np.full((4, 4, 1), 200))


def test_the_shorter_side_is_resized_and_the_middle_cut() -> None:
    pixels = pattern(30, 41)
    # 41 * 20 / 30 = 27.3: rounded down, as torchvision's Resize does; of 27 columns (27 - 16) / 2 = 5.5 go to the left.
    whole = np.asarray(Image.fromarray(pixels).resize((27, 20), Image.Resampling.BICUBIC))
    assert np.array_equal(Framing((16, 16), resize=20, interpolation="bicubic")(pixels), whole[2:18, 6:22])


@pytest.mark.parametrize("resize", [6, 8])
def test_a_middle_larger_than_the_picture_is_framed_in_black(resize: int) -> None:
    framed = Framing((10, 10), resize=resize)(np.full((8, 8, 1), 255, np.uint8))
    edge = (10 - resize) // 2
    assert framed.sum() == 255 * resize**2
    assert framed[edge:-edge, edge:-edge].min() == 255


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (500, 1, 1), (3, 2, 1)])
def test_any_shape_is_framed(shape: tuple[int, int, int], interpolation: str) -> None:
    framed = Framing((6, 4), interpolation=interpolation)(np.full(shape, 9, np.uint8))
    assert framed.tolist() == np.full((6, 4, shape[2]), 9).tolist()


@pytest.mark.parametrize("tall", [False, True])
def test_the_middle_of_a_picture_however_thin_is_cut_out(tall: bool) -> None:
    pixels = np.zeros((1, 2_000_001, 3), np.uint8)
    pixels[:, 1_000_000:] = 200
    found = Framing((8, 8), 2000)(np.swapaxes(pixels, 0, 1) if tall else pixels)
    # One pixel is larger than the cut.
    assert found.shape == (8, 8, 3) and found.min() > 190
