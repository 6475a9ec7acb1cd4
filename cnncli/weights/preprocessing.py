"""How the images were prepared that weights were trained on."""

from dataclasses import asdict, dataclass, replace
from typing import Any


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
