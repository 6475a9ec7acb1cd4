"""The picture of a network: volumes for a short chain of layers, blocks for what branches or is deep."""

from collections.abc import Iterable
from pathlib import Path

from cnncli.diagrams import blocks, diagram, volumes
from cnncli.diagrams.diagram import Block, Part
from cnncli.diagrams.labels import KINDS, operation
from cnncli.diagrams.sketch import (
    PALE,
    SMALL,
    TITLE,
    Mark,
    Panel,
    Sketch,
    Words,
    high,
    moved,
    wide,
    wrapped,
)
from cnncli.diagrams.sketch import draw as put
from cnncli.drawing.names import plain, shortened
from cnncli.drawing.palette import COLOURS, dark, pale
from cnncli.errors import UsageError
from cnncli.networks.layers import Group
from cnncli.networks.network import Network
from cnncli.sizing.size import show, size

STYLES = ("auto", "volumes", "blocks")

# A chain of more layers than this is drawn as blocks.
SHORT = 26
# In pixels: a page that is still readable on a screen, what is free around it, and the least width of its lines.
PAGE, MARGIN, NARROW = (1900, 1150), 28.0, 460.0


def draw(network: Network, path: Path, format: str, style: str = "auto", depth: int | None = None) -> None:
    """Draw a network as `svg` or `png`, and raise as `picture` does; DataError where `path` cannot be written."""
    put(picture(network, style, depth), path, format)


def picture(network: Network, style: str = "auto", depth: int | None = None) -> Sketch:
    """A network as a sketch, under its name and over a legend.

    `style` is one of `STYLES`; groups are opened to `depth`, or as far as a page has room. Raises UsageError where the
    network cannot be at its input, or is no chain and shall be drawn as volumes.
    """
    chain = diagram.parts(network)
    parts = tuple(diagram.walk(chain))
    layers = tuple(part for part in parts if not part.ways)
    forked = next((part for part in parts if part.ways and not isinstance(part.layer, Group)), None)
    if style == "volumes" and forked:
        found = f"'{plain(network.name)}' has {operation(forked.layer)} at '{forked.path}'"
        raise UsageError(f"--style volumes is for chains of layers; {found}: choose --style blocks")
    if style == "volumes" or (style == "auto" and not forked and _short(chain, layers)):
        drawn = diagram.fold(layers, 1)
        return _page(network, volumes.sketch(drawn, network.input), drawn)
    for opened in [depth] if depth else range(diagram.depth(chain), 0, -1):
        drawn = diagram.fold(chain, opened)
        page = _page(network, blocks.sketch(drawn, network.input), drawn)
        if page.width <= PAGE[0] and page.height <= PAGE[1]:
            break
    return page


def _short(chain: tuple[Part, ...], layers: tuple[Part, ...]) -> bool:
    """Whether the layers of a chain are few, and none of its groups is repeated."""
    groups = diagram.fold(chain, diagram.depth(chain))
    return len(diagram.fold(layers, 1)) <= SHORT and all(one.times == 1 for block in groups for one in block.inside)


def _page(network: Network, body: Sketch, drawn: Iterable[Block]) -> Sketch:
    """A sketch with the network's name, its shapes and parameters above it, and the colours below it."""
    report = size(network)
    said = [f"{show(network.input)} → {show(report.output)}, {report.totals.params:,} parameters"]
    name = shortened(network.name, 60)
    width = max(body.width, wide(name, TITLE, True), wide(said[0]), NARROW)
    said += wrapped(_variant(network), width) if network.variant else []
    width = max(width, *map(wide, said))
    marks: list[Mark] = [Words(0, high(TITLE) / 2, name, TITLE, True, align="left")]
    down = high(TITLE) + 4
    for line in said:
        marks.append(Words(0, down + high() / 2, line, colour=PALE, align="left"))
        down += high()
    marks += moved(body.marks, (width - body.width) / 2, down + 20)
    down += 20 + body.height + 24
    kinds = {KINDS.get(type(block.part.layer), "") for one in drawn for block in one.inside if not block.ways}
    across, legend = _legend([kind for kind in COLOURS if kind in {"input", *kinds}])
    marks += moved(legend, 0, down + high(SMALL) / 2)
    return Sketch(max(width, across) + 2 * MARGIN, down + high(SMALL) + 2 * MARGIN, moved(marks, MARGIN, MARGIN))


def _variant(network: Network) -> str:
    """What distinguishes it, as far as a page has room."""
    return shortened(" ".join(shortened(word, 60) for word in network.variant.split()), 300)


def _legend(kinds: Iterable[str]) -> tuple[float, list[Mark]]:
    """What the colours mean, on one line, and its length."""
    marks: list[Mark] = []
    x = 0.0
    for kind in kinds:
        marks.append(Panel(x, -7, 14, 14, pale(kind), dark(kind), 2, dashed=kind == "auxiliary head"))
        marks.append(Words(x + 21, 0, kind, SMALL, align="left"))
        x += 21 + wide(kind, SMALL) + 22
    return x - 22, marks
