"""`cnncli visualize neighbours`: nearest images by pixels beside nearest images by features."""

from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Place, look, shown, target

# Queries at most, unless one says how many: a line each.
QUERIES = 10


def neighbours(
    run: options.RunPath,
    k: Annotated[int, typer.Option("--neighbours", min=1, metavar="K", help="How many of each query.")] = 5,
    images: looking.Images = None,
    layer: looking.Layer = None,
    image: looking.ImageFiles = None,
    index: looking.Index = None,
    label: looking.ClassName = None,
    count: looking.Count = None,
    seed: looking.Seed = 0,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    out: looking.Out = None,
    force: looking.Force = False,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """Images with their nearest neighbours by pixels and by a layer's features, and how many are of the same class.

    cnncli visualize neighbours RUN     cnncli visualize neighbours RUN --class cat --neighbours 8 --layer conv3
    """
    path = target(out, run, "neighbours", force)
    view = look(run, "neighbours", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    from cnncli.drawing import sheet
    from cnncli.visualize.features import Layer
    from cnncli.visualize.neighbours import neighbours

    of = Layer.of(view.subject.network, layer)
    queries = view.picked(count or min(QUERIES, len(view.facts.classes)), image, index, label)
    found = neighbours(view.subject, view.data, queries, of, k, images, seed)
    sheet.draw(found.sheet(f"{view.name}: nearest images of {view.dataset} {split}"), path, view.about)
    shown(path, *found.sentences)
