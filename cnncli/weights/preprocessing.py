"""How the images were prepared that weights were trained on."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeGuard

from cnncli.data.framing import INTERPOLATIONS

# No picture is so long, and a picture resized to more fills the memory.
MOST_SIDE = 10_000
# The figures of a channel on the 0..1 scale that single precision can compute with, by far.
LEAST_DEVIATION, MOST = 1e-9, 1e9


@dataclass(frozen=True)
class Preprocessing:
    """The shorter side of a picture is brought to `resize` pixels (0: whatever fits), and its middle `crop` is cut out.

    Then `mean` is subtracted and `deviation` divided by, a channel each, on the 0..1 scale.
    """

    resize: int
    crop: int
    interpolation: str
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def transformed(self) -> "Preprocessing":
        """With `transform_input` of torchvision's GoogLeNet, whose weights were ported, behind it.

        Each channel, already normalized, becomes x * (deviation / 0.5) + (mean - 0.5) / 0.5 with ImageNet's figures;
        behind those it is the pixel scaled by 0.5 around 0.5.
        """
        channels = zip(self.mean, self.deviation, IMAGENET.mean, IMAGENET.deviation, strict=True)
        both = [(mean - (usual - 0.5) * by / over, by * 0.5 / over) for mean, by, usual, over in channels]
        # The digits that float64 has lost in between are none of 0.5's.
        means, deviations = (tuple(round(value, 12) for value in values) for values in zip(*both, strict=True))
        return replace(self, mean=means, deviation=deviations)

    def to_table(self) -> dict[str, Any]:
        """As run.json has it."""
        return asdict(self)


# What torchvision's weights were trained with.
IMAGENET = Preprocessing(256, 224, "bilinear", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def usual(crop: int, channels: int, of_imagenet: bool) -> Preprocessing:
    """Unless something else is known: ImageNet's, the picture in proportion to the crop; else pixels from 0 to 1."""
    if of_imagenet:
        return replace(IMAGENET, resize=round(crop * IMAGENET.resize / IMAGENET.crop), crop=crop)
    return Preprocessing(0, crop, "bilinear", (0.0,) * channels, (1.0,) * channels)


def told(text: str, channels: int) -> Preprocessing | None:
    """What JSON says of it, with a number for each channel or one for all; None for what cannot be."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    resize, crop, interpolation = (said.get(key) for key in ("resize", "crop", "interpolation"))
    mean, deviation = _each(said.get("mean"), channels), _each(said.get("deviation"), channels)
    if not (whole(resize) and whole(crop, 1) and isinstance(interpolation, str) and interpolation in INTERPOLATIONS):
        return None
    if mean is None or deviation is None or min(deviation) < LEAST_DEVIATION:
        return None
    return Preprocessing(resize, crop, interpolation, mean, deviation)


def whole(value: Any, least: int = 0) -> TypeGuard[int]:
    """Whether a value of JSON is a number of pixels."""
    return type(value) is int and least <= value <= MOST_SIDE


def _each(values: Any, channels: int) -> tuple[float, ...] | None:
    if not isinstance(values, list) or len(values) not in (1, channels):
        return None
    # NaN is not less than anything.
    if not all(type(value) in (int, float) and abs(value) < MOST for value in values):
        return None
    return tuple(map(float, values)) * (channels // len(values))
