"""How a picture of any size becomes an image of one size."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# How pixels between pixels are found, by the names that weights' descriptions use.
INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
# So many times the cut, what is resized may be long: a picture one pixel wide would otherwise fill the memory.
LONGEST = 100


@dataclass(frozen=True)
class Framing:
    """The shorter side of a picture is brought to `resize` pixels, then the middle of `size` (height, width) is cut.

    With `resize` 0 the largest middle that has the proportions of `size` is brought to it, so that a picture of that
    size stays as it is. Both smooth where they shrink, as Pillow does. Pictures are read as images of so many
    `channels`; with 0, of three unless all are grey.
    """

    size: tuple[int, int]
    resize: int = 0
    interpolation: str = "bilinear"
    channels: int = 0

    def __call__(self, pixels_HxWxC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture (height, width, channels) as an image of `size`."""
        height, width, channels = pixels_HxWxC.shape
        picture = Image.fromarray(pixels_HxWxC[..., 0] if channels == 1 else pixels_HxWxC)
        picture = self._cut(self._resized(picture, min(height, width))) if self.resize else self._fitted(picture)
        return np.asarray(picture).reshape(*self.size, channels)

    def _fitted(self, picture: Image.Image) -> Image.Image:
        """The largest middle, at its size."""
        height, width = self.size
        share = min(picture.width / width, picture.height / height)
        across, down = share * width, share * height
        left, top = (picture.width - across) / 2, (picture.height - down) / 2
        how = INTERPOLATIONS[self.interpolation]
        return picture.resize((width, height), how, box=(left, top, left + across, top + down))

    def _resized(self, picture: Image.Image, shorter: int) -> Image.Image:
        """The whole picture, its shorter side `resize`; the longer one is rounded down, as torchvision rounds."""
        most = max(LONGEST * max(self.size) * shorter // self.resize, 3 * shorter)
        if max(picture.size) > most:
            # As much from either end, so that the middle stays where it is.
            left, top = (max(side - most, 0) // 2 for side in picture.size)
            picture = picture.crop((left, top, picture.width - left, picture.height - top))
        across, down = (self.resize * side // shorter for side in picture.size)
        return picture.resize((across, down), INTERPOLATIONS[self.interpolation])

    def _cut(self, picture: Image.Image) -> Image.Image:
        """The middle; black where the picture is smaller."""
        height, width = self.size
        left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
        return picture.crop((left, top, left + width, top + height))
