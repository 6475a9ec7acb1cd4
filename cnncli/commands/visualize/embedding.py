"""`cnncli visualize embedding`: the features of many images in two dimensions."""

from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Place, look, shown, target
from cnncli.errors import UsageError


def embedding(
    run: options.RunPath,
    by: Annotated[str, typer.Option("--by", metavar="pca|tsne", help="Principal components, or t-SNE.")] = "tsne",
    images: looking.Images = None,
    layer: looking.Layer = None,
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
    """A layer's features of many images in two dimensions, by principal components or by t-SNE, coloured by class.

    cnncli visualize embedding RUN     cnncli visualize embedding RUN --by pca --layer conv1
    """
    from cnncli.visualize.embedding import WAYS, draw, embedding
    from cnncli.visualize.features import Layer

    if by not in WAYS:
        raise UsageError(f"--by is '{by}'; expected {' or '.join(WAYS)}")
    path = target(out, run, "embedding", force)
    view = look(run, "embedding", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    of = Layer.of(view.subject.network, layer)
    found = embedding(view.subject, view.data, of, by, images, seed)
    title = f"{view.name}: {of.path}, {len(found.labels):,} images of {view.dataset} {split}"
    draw(found, view.facts.classes, path, title, view.about)
    shown(path, found.sentence)
