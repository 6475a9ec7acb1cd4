"""`cnncli visualize patches`: what excites the maps of a layer most."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Force, Layer, Out, Place, look, numbers, shown, target
from cnncli.errors import UsageError, nearest

if TYPE_CHECKING:
    from cnncli.networks.network import Network
    from cnncli.sizing.report import Row

Maps = Annotated[
    str | None, typer.Option("--maps", metavar="N,...|all", help="Which maps. Default: the 8 excited most.")
]
Rule = Annotated[
    str | None,
    typer.Option("--rule", metavar="deconv|guided|gradient", help="Default: guided, gradient where not all is ReLU."),
]


def patches(
    run: options.RunPath,
    layer: Layer = None,
    maps: Maps = None,
    rule: Rule = None,
    images: looking.Images = None,
    seed: looking.Seed = 0,
    out: Out = None,
    force: Force = False,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """The nine patches of a dataset that excite each map of a layer most, and what goes back from its units.

    cnncli visualize patches runs/lenet5-mnist-1     cnncli visualize patches RUN --layer conv3 --maps 0,3,7
    """
    path = target(out, run, "patches", force)
    view = look(run, "patches", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    from cnncli.drawing import sheet
    from cnncli.visualize.excited import excited, looked_at
    from cnncli.visualize.patches import MAPS, cell_for, layer_of
    from cnncli.visualize.patches import patches as cut

    subject, network = view.subject, view.subject.network
    row = layer_of(network, layer)
    wanted, (back, said) = _maps(maps, row), _rule(rule, network)
    subject.by(back)
    cell_for(row, network.input, MAPS if wanted is None else len(wanted))
    places = looked_at(network, row, images, len(view.data.split.labels), seed)
    found = cut(subject, view.data, excited(subject, view.data.split.images, row, places), back, wanted)
    title = f"{view.name}: patches of {view.dataset} {split} that excite {row.path} most"
    sheet.draw(found.sheet(title), path, view.about)
    shown(path, *said, *found.sentences)


def _maps(text: str | None, row: "Row") -> Sequence[int] | None:
    """The maps asked for, None where nobody asked. Raises UsageError for those that there are not."""
    if text is None:
        return None
    count, what = row.output[-1], "maps" if len(row.output) == 3 else "units"
    if text.isalpha() and text != "all":
        raise UsageError(f"--maps is '{text}'; expected all, or numbers from 0, such as 3 or 3,5,8")
    found = range(count) if text == "all" else list(dict.fromkeys(numbers(text, "--maps")))
    if beyond := [number for number in found if number >= count]:
        raise UsageError(f"--maps {beyond[0]}: {row.path} has {count:,} {what}, 0 to {count - 1}")
    return found


def _rule(word: str | None, network: "Network") -> tuple[str, tuple[str, ...]]:
    """The backward rule, and what is to be said where a network does not allow the usual one."""
    from cnncli.visualize.patches import RULES
    from cnncli.visualize.subject import not_relu

    if word is None:
        if kind := not_relu(network):
            return "gradient", (
                f"what goes back is the gradient: guided backpropagation is about ReLUs and {network.name} has {kind}",
            )
        return "guided", ()
    if word not in RULES:
        raise UsageError(f"--rule: no '{word}'{nearest(word, RULES)}")
    return word, ()
