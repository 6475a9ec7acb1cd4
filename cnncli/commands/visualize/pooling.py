"""`cnncli visualize pooling`: the kinds of pooling side by side on an image."""

from pathlib import Path
from typing import Annotated

import typer

from cnncli import runtime
from cnncli.commands.visualize.looking import Force, made, shown, target


def pooling(
    image: Annotated[
        str, typer.Option("--image", metavar="FILE", help="A picture's file, china or flower.")
    ] = "flower",
    size: Annotated[int, typer.Option("--size", min=3, max=1024, help="The side it is brought to, in pixels.")] = 64,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: pooling.png here.")] = None,
    force: Force = False,
) -> None:
    """Maximum, average, L2 and overlapping pooling of an image, and LeNet's trainable subsampling.

    cnncli visualize pooling     cnncli visualize pooling --image china --size 32
    """
    path = target(out, None, "pooling", force)
    runtime.configure("cpu")
    from cnncli.data import pictures
    from cnncli.data.framing import Framing
    from cnncli.drawing import sheet
    from cnncli.visualize.pooling import NOTE
    from cnncli.visualize.pooling import sheet as laid_out

    pixels = Framing((size, size), interpolation="bicubic")(pictures.read(image, 3))
    sheet.draw(laid_out(pixels, Path(image).name), path, made())
    shown(path, NOTE)
