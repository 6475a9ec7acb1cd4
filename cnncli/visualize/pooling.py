"""Pooling side by side on one image: what each kind keeps of its windows, and LeNet's trainable subsampling."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnncli.drawing.sheet import PAGE, Line, Panel, Sheet
from cnncli.networks.layers import Activation, Pool, Subsample
from cnncli.visualize.operation import apply

NOTE = (
    "Each channel is pooled by itself. The maximum is the brightest pixel of a window, the average their mean, the L2 "
    "norm lies between; overlapping windows share pixels (AlexNet). LeNet's subsampling learns a coefficient and a "
    "bias a map, by which it blurs or is a noisy OR or AND (LeCun 1998)."
)

# Each image's longer side on the sheet, in pixels.
LARGE = 256


@dataclass(frozen=True)
class Trained:
    """A coefficient and a bias that LeNet's subsampling could have learned, for pixels of 0 to 1 in windows of 2x2."""

    name: str
    coefficient: float
    bias: float


# LeCun 1998, II.A: with a small coefficient the unit is nearly linear and blurs; with a large one it is a noisy OR or
# a noisy AND of its window, by its bias. Where the sum of four pixels is -bias/coefficient, the sigmoid is 1/2.
TRAINED = (
    Trained("small coefficient: it blurs", 1.0, -2.0),
    Trained("large, high bias: a noisy OR", 12.0, -12.0),
    Trained("large, low bias: a noisy AND", 12.0, -36.0),
)


def pooled(image_HxWxC: NDArray[np.uint8], window: int) -> list[Panel]:
    """Maximum, average and L2 norm of square windows, stride 2, which overlap where they are larger than that."""
    found = []
    for name, kind in (("maximum", "max"), ("average", "average"), (f"L2 norm / {window}", "l2")):
        # The norm of equal pixels is as many times each of them as the window has on a side.
        pixels = apply((Pool(kind, window, 2),), image_HxWxC) / (window if kind == "l2" else 1)
        found.append(_panel(np.asarray(np.round(pixels), np.uint8), f"{name}, {window}x{window}, stride 2"))
    return found


def subsampled(image_HxWxC: NDArray[np.uint8]) -> list[Panel]:
    """LeNet's subsampling with some coefficients and biases, behind its sigmoid."""
    layers, channels = (Subsample(2, 2, name="s"), Activation("sigmoid")), image_HxWxC.shape[-1]
    found = []
    for one in TRAINED:
        arrays = {"scale": np.full(channels, one.coefficient), "bias": np.full(channels, one.bias)}
        values = apply(layers, image_HxWxC / 255, {"s": arrays})
        caption = f"{one.name}\n{one.coefficient:g} x sum {one.bias:+g}, sigmoid"
        found.append(_panel(np.asarray(np.round(values * 255), np.uint8), caption))
    return found


def sheet(image_HxWxC: NDArray[np.uint8], name: str) -> Sheet:
    """The image, each kind of pooling in windows side by side and in overlapping ones, and LeNet's subsampling."""
    none = Panel(np.full((*image_HxWxC.shape[:2], 1), PAGE, np.uint8))
    lines = [
        Line("side by side", ((_panel(image_HxWxC, name), *pooled(image_HxWxC, 2)),)),
        Line("overlapping", ((none, *pooled(image_HxWxC, 3)),)),
        Line("LeNet subsampling", ((none, *subsampled(image_HxWxC)),)),
    ]
    return Sheet(lines, f"pooling of {name}", NOTE, cell=LARGE)


def _panel(pixels: NDArray[np.uint8], caption: str) -> Panel:
    height, width = pixels.shape[:2]
    return Panel(pixels, f"{caption}\n{height}x{width}")
