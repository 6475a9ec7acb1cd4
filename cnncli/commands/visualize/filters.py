"""`cnncli visualize filters`: a layer's weights as pictures."""

from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize.looking import Checkpoint, Force, Layer, Norm, Out, Place, look, norm_of, shown, target


def filters(
    run: options.RunPath,
    layer: Layer = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="How many filters.")] = None,
    norm: Norm = "image",
    out: Out = None,
    force: Force = False,
    checkpoint: Checkpoint = None,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """Filters that see the image as tiles, deeper ones slice by slice, a linear classifier's class templates.

    cnncli visualize filters runs/lenet5-mnist-1     cnncli visualize filters runs/lenet5-mnist-1 --layer c3
    """
    path, norm = target(out, run, "filters", force), norm_of(norm)
    view = look(run, "filters", Place(checkpoint, source=Source(None, device, offline)))
    from cnncli.drawing import sheet
    from cnncli.visualize.filters import bank, choose, words
    from cnncli.visualize.filters import sheet as laid_out

    found = bank(view.subject, choose(view.subject.network, layer))
    sheet.draw(laid_out(found, count, norm, view.name), path, view.about)
    shown(path, *words(found, count, norm))
