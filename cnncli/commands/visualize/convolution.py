"""`cnncli visualize convolution`: a kernel moved over an image, step by step."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli import runtime
from cnncli.commands import options
from cnncli.commands.visualize.looking import Force, made, shown, target
from cnncli.errors import UsageError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cnncli.visualize.kernels import Kernel

# The sides of an image of a file, and which digit it is, unless told otherwise: a 5 that begins in the first window.
SIDE, DIGIT = 12, 4


def convolution(
    kernel: Annotated[
        str,
        typer.Option("--kernel", metavar="NAME|NUMBERS", help="edge, blur, emboss, ... or rows such as '1,0;0,-1'."),
    ] = "emboss",
    stride: Annotated[str, typer.Option("--stride", metavar="N|HxW", help="Pixels from window to window.")] = "1",
    pad: Annotated[str, typer.Option("--pad", metavar="N|HxW", help="Zeros around the image.")] = "0",
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="FILE", help="A picture's file, china or flower; a digit by default."),
    ] = None,
    index: Annotated[int | None, typer.Option("--index", min=0, help="Which digit of the test split.")] = None,
    size: Annotated[int | None, typer.Option("--size", min=1, help=f"Side of FILE's image, {SIDE} by default.")] = None,
    frame: Annotated[
        str | None, typer.Option("--frame", metavar="first|last|N", help="Of a PNG: which place of the window.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="A .gif, or a .png of one frame.")] = None,
    force: Force = False,
) -> None:
    """A kernel moving over an image: cross-correlation and true convolution, each sum written out.

    cnncli visualize convolution --kernel sobel-x     cnncli visualize convolution --kernel '1,1;1,1' --out last.png
    """
    if out is not None and out.suffix.lower() not in (".gif", ".png"):
        raise UsageError(f"--out {out}: expected a name ending in .gif or .png")
    still = frame is not None or (out is not None and out.suffix.lower() == ".png")
    path = target(out, None, "convolution", force, ".png" if still else ".gif")
    runtime.configure("cpu")
    from cnncli.visualize import frames
    from cnncli.visualize.convolution import slide

    pixels, what = _image(image, index, size)
    moving = slide(pixels, _kernel(kernel), options.pair(stride, "--stride"), options.padding(pad))
    drawn, count = frames.Frames(moving), len(moving.places)
    if still:
        frames.still(drawn, _place(frame or "last", count), path, made())
    else:
        frames.animate(drawn, path, made())
    symmetric = moving.kernel == moving.kernel.turned
    same = "The kernel turned by 180 degrees is itself, so both operations give the same."
    differ = "What networks call a convolution is the cross-correlation; a true one turns the kernel by 180 degrees."
    places = "x".join(map(str, moving.correlation.shape))
    shown(path, f"{moving.kernel.name} over {what}; the window has {places} places.", same if symmetric else differ)


def _kernel(text: str) -> "Kernel":
    """A kernel by its name, or `1,0,-1;2,0,-2`: numbers, rows divided by semicolons."""
    from cnncli.visualize.kernels import KERNELS, Kernel

    if text in KERNELS:
        return KERNELS[text]
    try:
        rows = tuple(tuple(_number(part) for part in row.split(",")) for row in text.split(";"))
    except ValueError:
        if set(text) & set(",;0123456789"):
            raise UsageError(f"--kernel is '{text}'; expected rows of numbers such as '1,0,-1;2,0,-2'") from None
        raise UsageError(f"--kernel: no '{text}'{nearest(text, KERNELS)}") from None
    return Kernel("kernel", rows)


def _number(text: str) -> float:
    value = float(text)
    if not abs(value) < 1e6:
        raise ValueError(text)
    return value


def _image(image: str | None, index: int | None, size: int | None) -> tuple["NDArray[np.float32]", str]:
    """Greys (height, width), and what they are of: a digit of 0 to 16, or a picture of 0 to 255."""
    import numpy as np

    from cnncli.data import digits, pictures
    from cnncli.data.framing import Framing

    if image is None:
        if size is not None:
            raise UsageError("--size belongs to --image: the digits have 8x8 pixels")
        images, labels = digits.read("test")
        place = DIGIT if index is None else index
        if place >= len(images):
            raise UsageError(f"--index {place}: there are {len(images)} digits, 0 to {len(images) - 1}")
        # As scikit-learn has them; the reader stretches them to 255.
        return np.round(images[place, ..., 0] * np.float32(16 / 255)), f"a digit {labels[place]} of 0 to 16"
    if index is not None:
        raise UsageError("--image brings its own image; leave --index out")
    side = size or SIDE
    grey = Framing((side, side), interpolation="bicubic")(pictures.read(image, 1))[..., 0]
    return grey.astype(np.float32), f"{Path(image).name} of {side}x{side} pixels, 0 to 255"


def _place(text: str, count: int) -> int:
    """The place of the window for `first`, `last` or a number from 1."""
    if text in ("first", "last"):
        return 0 if text == "first" else count - 1
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= count):
        raise UsageError(f"--frame is '{text}'; expected first, last, or a number from 1 to {count}")
    return int(text) - 1
