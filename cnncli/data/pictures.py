"""Pictures of any size and mode, as images of as many channels as a network takes."""

import io
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from cnncli.errors import DataError, UsageError

# The photographs that come with scikit-learn, by the names they have here.
PHOTOGRAPHS = ("china", "flower")

# How the names of pictures end, where those of a folder are looked for.
SUFFIXES = {
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".avif", ".jp2"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".pcx", ".qoi"),
}

# Hardly a photograph has more pixels; a few bytes of a file can claim any number.
MOST_PIXELS = 100_000_000


def read(name: str, channels: int, content: bytes | None = None) -> NDArray[np.uint8]:
    """The picture of a file, or one of PHOTOGRAPHS: (height, width, channels) uint8.

    `content` has the bytes of a picture that is in no file, and has only a name. Turned as its EXIF data says; of
    several frames the first; where it is transparent, on white; grey for one channel, red, green and blue for three.
    Raises DataError for what is no picture or cannot be read, UsageError for a network of other channels.
    """
    if channels not in (1, 3):
        raise UsageError(f"the network takes {channels} channels; a picture has 1 or 3")
    mode = "L" if channels == 1 else "RGB"
    known = name in PHOTOGRAPHS and content is None
    picture = _photograph(name).convert(mode) if known else _opened(Path(name), mode, content)
    pixels = np.asarray(picture)
    return pixels.reshape(*pixels.shape[:2], channels)


@dataclass(frozen=True)
class Header:
    """What a picture's file says before its pixels: (height, width) once it is turned, and whether it is grey."""

    size: tuple[int, int]
    grey: bool


def header(path: Path) -> Header | None:
    """The header of a picture's file; None where there is none that can be read."""
    try:
        with _silent, Image.open(path) as picture:
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5
            size = picture.size if turned else (picture.height, picture.width)
            return Header(size, _is_grey(picture))
    except Exception:  # As many kinds as there are decoders; whoever reads the pixels says what is wrong.
        return None


def _is_grey(picture: Image.Image) -> bool:
    if picture.mode == "P":
        palette = picture.getpalette() or [0, 1]
        return palette[0::3] == palette[1::3] == palette[2::3]
    return picture.mode in ("1", "L", "LA", "La", "F") or picture.mode.startswith("I")


class _Silent:
    """Of damaged files nothing is said but that they are.

    Warnings are all threads' own: the first that decodes puts them off, and the last puts them back as they were.
    """

    def __init__(self) -> None:
        self._lock, self._threads, self._warnings = threading.Lock(), 0, warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._threads:
                self._warnings = warnings.catch_warnings()
                self._warnings.__enter__()
                warnings.simplefilter("ignore")
            self._threads += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._threads -= 1
            if not self._threads:
                self._warnings.__exit__(None, None, None)


_silent = _Silent()


def _photograph(name: str) -> Image.Image:
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image(f"{name}.jpg"))


def _opened(path: Path, mode: str, content: bytes | None) -> Image.Image:
    try:
        with _silent:
            return _decoded(path, mode, content)
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


def _decoded(path: Path, mode: str, content: bytes | None) -> Image.Image:
    with Image.open(path if content is None else io.BytesIO(content)) as picture:
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
