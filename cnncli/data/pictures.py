"""Pictures of any size and mode, as images of as many channels as a network takes."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from cnncli.errors import DataError, UsageError

# The photographs that come with scikit-learn, by the names they have here.
PHOTOGRAPHS = ("china", "flower")

# Hardly a photograph has more pixels; a few bytes of a file can claim any number.
MOST_PIXELS = 100_000_000


def read(name: str, channels: int) -> NDArray[np.uint8]:
    """The picture of a file, or one of PHOTOGRAPHS: (height, width, channels) uint8.

    Turned as its EXIF data says; of several frames the first; where it is transparent, on white; grey for one channel,
    red, green and blue for three. Raises DataError for what is no picture or cannot be read, UsageError for a network
    of other channels.
    """
    if channels not in (1, 3):
        raise UsageError(f"the network takes {channels} channels; a picture has 1 or 3")
    mode = "L" if channels == 1 else "RGB"
    picture = _photograph(name).convert(mode) if name in PHOTOGRAPHS else _opened(Path(name), mode)
    pixels = np.asarray(picture)
    return pixels.reshape(*pixels.shape[:2], channels)


def framed(pixels_HxWxC: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The largest middle of a picture that has the proportions of `size` (height, width), at that size."""
    grey = pixels_HxWxC.shape[2] == 1
    picture = Image.fromarray(pixels_HxWxC[..., 0] if grey else pixels_HxWxC)
    fitted = ImageOps.fit(picture, (size[1], size[0]), Image.Resampling.BICUBIC)
    return np.asarray(fitted).reshape(*size, -1)


def _photograph(name: str) -> Image.Image:
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image(f"{name}.jpg"))


def _opened(path: Path, mode: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Of damaged files nothing is said but that they are.
            warnings.simplefilter("ignore")
            return _decoded(path, mode)
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(
            f"there is no picture {path}; expected a file, or one of {', '.join(PHOTOGRAPHS)}, which come along"
        ) from None
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    except Exception as error:  # The decoders of forty formats raise whatever there is.
        reason = getattr(error, "strerror", None) or "it is no picture that can be read, or it is damaged"
        raise DataError(f"{path}: {reason}") from None


def _decoded(path: Path, mode: str) -> Image.Image:
    with Image.open(path) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise _too_large(path)
        if picture.format == "EPS":
            raise DataError(f"{path} is a PostScript program, which is not run; expected pixels, such as a PNG or JPEG")
        # Not every mode becomes grey at once.
        return _flat(ImageOps.exif_transpose(picture)).convert("RGB").convert(mode)


def _too_large(path: Path) -> DataError:
    return DataError(f"{path} has too many pixels; expected at most {MOST_PIXELS:,}")


def _flat(picture: Image.Image) -> Image.Image:
    """A picture of 8 bits without transparency."""
    if picture.mode.startswith(("I", "F")):
        return _eight_bits(picture)
    if picture.mode in ("P", "PA", "LA", "La", "RGBA", "RGBa") or "transparency" in picture.info:
        on_white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(on_white, picture.convert("RGBA"))
    picture.load()
    return picture.copy()


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Greys of 16 bits as their upper eight; other whole numbers and floats from their least to their greatest."""
    values = np.asarray(picture).astype(np.float64)
    if picture.mode.startswith("I") and values.min() >= 0 and values.max() < 2**16:
        return Image.fromarray((values // 256).astype(np.uint8))
    if not np.isfinite(values).all():
        raise ValueError("not finite")
    low, high = values.min(), values.max()
    return Image.fromarray(np.round((values - low) / ((high - low) or 1.0) * 255).astype(np.uint8))
