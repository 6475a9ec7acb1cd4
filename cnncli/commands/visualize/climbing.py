"""What `maximize`, `dream` and `invert` share: options about climbing a score, and a picture that may move."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli.networks.network import Network

if TYPE_CHECKING:
    from cnncli.drawing.sheet import Sheet

HOW, NATURAL = "How to climb", "What keeps it natural"

# How many frames of a climb a GIF shows.
FRAMES = 30
# Images are rolled by at most this share of their smaller side, and at most so many pixels, unless one says.
ROLLED, MOST_ROLLED = 8, 16

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Default: RUN-METHOD.png here; .gif shows how it came about."),
]
Layers = Annotated[
    list[str] | None,
    typer.Option("--layer", metavar="PATH,...", help="As cnncli size prints them; may be repeated."),
]
Steps = Annotated[int, typer.Option("--steps", min=1, help="How many.", rich_help_panel=HOW)]
Rate = Annotated[
    float, typer.Option("--rate", min=0, help="How far the first goes, in shares of 255.", rich_help_panel=HOW)
]
Variation = Annotated[float, typer.Option("--tv", min=0, help="Weight of total variation.", rich_help_panel=NATURAL)]
Jitter = Annotated[
    int | None,
    typer.Option("--jitter", min=0, help="Pixels. Default: an eighth of the side.", rich_help_panel=NATURAL),
]


def paths(layers: Sequence[str] | None) -> list[str]:
    """The layers of all `--layer A,B`."""
    return [path.strip() for layer in layers or () for path in layer.split(",")]


def jitter(wanted: int | None, network: Network) -> int:
    """By how many pixels images are rolled at most."""
    return min(MOST_ROLLED, min(network.input[:2]) // ROLLED) if wanted is None else wanted


def frames(path: Path) -> int:
    """How many steps a picture shows: of a GIF many, else the last."""
    return FRAMES if moving(path) else 1


def moving(path: Path) -> bool:
    """Whether a picture is a GIF."""
    return path.suffix.lower() == ".gif"


def draw(sheets: Sequence["Sheet"], path: Path, about: Mapping[str, str]) -> None:
    """All sheets as a GIF, or the last as a PNG."""
    from cnncli.drawing import animation, sheet

    if moving(path):
        animation.draw(sheets, path, about)
    else:
        sheet.draw(sheets[-1], path, about)
