"""`cnncli visualize invert`: images reconstructed from what layers make of them."""

from math import prod
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import climbing, looking
from cnncli.commands.visualize.climbing import NATURAL
from cnncli.commands.visualize.looking import Place, look, shown, target

if TYPE_CHECKING:
    from cnncli.visualize.invert import Inversion

# How many images by default, and of how many values each has the network fewer of them.
MANY, FEW, LARGE = 4, 1, 128 * 128 * 3

Alpha = Annotated[
    float, typer.Option("--alpha", min=0, help="Weight of the alpha-norm (power 6).", rich_help_panel=NATURAL)
]


def invert(
    run: options.RunPath,
    layer: climbing.Layers = None,
    steps: climbing.Steps = 400,
    rate: climbing.Rate = 0.06,
    tv: climbing.Variation = 1.0,
    alpha: Alpha = 0.01,
    image: looking.ImageFiles = None,
    index: looking.Index = None,
    label: looking.ClassName = None,
    count: looking.Count = None,
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
    """Images reconstructed from what each layer makes of them: what is kept from shallow to deep, and what is lost.

    cnncli visualize invert RUN --index 3,5     cnncli visualize invert RUN --layer c3,f6 --out invert.gif
    """
    path = target(out, run, "invert", force, ".png", ".gif")
    view = look(run, "invert", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    subject = view.subject

    from cnncli.drawing.sheet import Sheet
    from cnncli.visualize import invert
    from cnncli.visualize.ascent import Ascent, words
    from cnncli.visualize.regularizers import Power, TotalVariation

    paths = invert.spread(subject, climbing.paths(layer))
    few = FEW if prod(subject.network.input) > LARGE else MANY
    picked = view.picked(count or few, image, index, label)
    pulls = (*((Power(alpha, 6),) if alpha else ()), *((TotalVariation(tv, 2),) if tv else ()))
    how = Ascent(steps, rate, pulls)
    found = invert.invert(subject, picked.images, paths, how, seed, climbing.frames(path))
    note = f"below: distance to the wanted features, relative to their norm; from noise; {words(how)}"
    title = f"{view.name}: images reconstructed from what layers give"
    climbing.draw(invert.sheets(found, picked.names, Sheet([], title, note)), path, view.about)
    shown(path, *_sentences(found))


def _sentences(found: "Inversion") -> list[str]:
    """How near the features came, from the first to the last layer."""
    from cnncli.visualize.invert import share

    near = found.distances().mean(axis=1)
    each = ", ".join(f"{path} {share(apart)}" for path, apart in zip(found.paths, near, strict=True))
    said = [f"Features came as near to the wanted ones, relative to their norm, as: {each}."]
    if empty := [path for path, blank in zip(found.paths, found.empty, strict=True) if blank.any()]:
        said.append(f"All features of some image are zero, so there is nothing to reconstruct: {', '.join(empty)}.")
    return said
