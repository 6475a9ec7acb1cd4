"""`cnncli visualize maps`: what the layers make of an image."""

from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Force, Layer, Norm, Out, Place, look, norm_of, shown, target
from cnncli.errors import UsageError


def maps(
    run: options.RunPath,
    layer: Layer = None,
    image: looking.ImageFiles = None,
    index: looking.Index = None,
    label: looking.ClassName = None,
    seed: looking.Seed = 0,
    count: Annotated[int | None, typer.Option("--count", min=1, help="How many maps of a layer.")] = None,
    norm: Norm = "image",
    out: Out = None,
    force: Force = False,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """The feature maps of one image along the network, or all those of one layer.

    cnncli visualize maps runs/lenet5-mnist-1 --index 7     cnncli visualize maps runs/lenet5-mnist-1 --layer c3
    """
    path, norm = target(out, run, "maps", force), norm_of(norm)
    view = look(run, "maps", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    from cnncli.drawing import sheet
    from cnncli.visualize import maps as pictures

    network = view.subject.network
    wanted = [pictures.stage_at(network, layer)] if layer else pictures.stages(network)
    chosen = view.picked(1, image, index, label)
    if len(chosen.images) > 1:
        raise UsageError(f"maps shows one image, {len(chosen.images)} are given; expected one --image or --index")
    many = count or (pictures.OF_LAYER if layer else pictures.OF_STAGE)
    found = pictures.maps(view.subject, chosen.images[0], wanted)
    title = f"{view.name}: maps of {chosen.names[0]}"
    seen = view.subject.pixels(view.subject.seen(chosen.images))[0]
    if layer:
        drawn = pictures.at_layer(seen, found[0], many, norm, title)
    else:
        drawn = pictures.along(seen, found, many, norm, title)
    sheet.draw(drawn, path, view.about)
    shown(path, *pictures.words(found, many, norm))
