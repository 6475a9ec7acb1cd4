"""`cnncli visualize dream`: a picture changed so that layers see more of what they see in it already."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import climbing, looking
from cnncli.commands.visualize.climbing import HOW
from cnncli.commands.visualize.looking import Place, View, look, shown, target
from cnncli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Pictures' longer side by default: so many pixels, or so many tiles of the network's input.
LONGEST, TILES = 384, 2

Octaves = Annotated[int, typer.Option("--octaves", min=1, max=20, help="Sizes, each 1.4 times as large.")]
Size = Annotated[
    int | None,
    typer.Option("--size", min=1, max=4096, help="The longer side, at most. Default: 384, or two inputs."),
]
Steps = Annotated[int, typer.Option("--steps", min=1, help="In each octave.", rich_help_panel=HOW)]
Jitter = Annotated[
    int | None,
    typer.Option("--jitter", min=0, help="By how many pixels tiles move. Default: a tile.", rich_help_panel=HOW),
]


def dream(
    run: options.RunPath,
    layer: climbing.Layers = None,
    octaves: Octaves = 5,
    steps: Steps = 10,
    rate: climbing.Rate = 0.015,
    jitter: Jitter = None,
    size: Size = None,
    image: looking.ImageFiles = None,
    index: looking.Index = None,
    label: looking.ClassName = None,
    seed: looking.Seed = 0,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    out: climbing.Out = None,
    force: looking.Force = False,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """Deep Dream: a picture in which layers see more and more of what they see in it; the photograph china by default.

    cnncli visualize dream RUN --image flower     cnncli visualize dream RUN --layer s2,s4 --out dream.gif
    """
    path = target(out, run, "dream", force, ".png", ".gif")
    view = look(run, "dream", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)

    from cnncli.drawing.sheet import Sheet
    from cnncli.visualize import dream

    names, pictures = _pictures(view, image, index, label, size)
    paths = dream.paths(view.subject, climbing.paths(layer))
    tile = max(view.subject.network.input[:2])
    how = dream.Dream(paths, octaves, steps, rate, tile if jitter is None else jitter)
    dreams = [dream.dream(view.subject, picture, how, seed, climbing.frames(path)) for picture in pictures]
    rose = "; ".join(f"from {one.before:.3g} to {one.after:.3g}" for one in dreams)
    note = f"{how.words}; mean square of what {', '.join(paths)} gave: {rose}"
    title = f"{view.name}: a dream by {', '.join(paths)}"
    climbing.draw(dream.sheets(dreams, names, Sheet([], title, note)), path, view.about)
    height, width = view.subject.network.input[:2]
    seen = f"The network sees {height}x{width} pixels; larger pictures are looked at in tiles of that size."
    flat = [name for name, one in zip(names, dreams, strict=True) if one.flat]
    dead = f"No gradient in any step, so nothing changed: {', '.join(flat)}; choose another --layer." if flat else ""
    shown(path, seen, f"The mean square of what {', '.join(paths)} gave went {rose}.", *filter(None, [dead]))


def _pictures(
    view: View, files: list[str] | None, index: str | None, label: str | None, size: int | None
) -> tuple[list[str], list["NDArray[np.uint8]"]]:
    """The pictures to dream on, with their names: photographs as large as wanted, a dataset's images as they are."""
    from cnncli.data import pictures
    from cnncli.data.framing import Framing
    from cnncli.visualize import dream

    network = view.subject.network
    if index or label:
        if size:
            raise UsageError("--size is for pictures of files; a dataset's images are as large as the network's input")
        picked = view.picked(1, files, index, label)
        return list(picked.names), list(view.subject.pixels(view.subject.seen(picked.images)))
    tile = network.input[0], network.input[1]
    longest = size or max(LONGEST, TILES * max(tile))
    read = [pictures.read(name, network.input[2]) for name in files or ["china"]]
    sizes = [dream.fitted((one.shape[0], one.shape[1]), tile, longest) for one in read]
    names = [Path(name).name for name in files or ["china"]]
    return names, [Framing(size, interpolation="bicubic")(one) for one, size in zip(read, sizes, strict=True)]
