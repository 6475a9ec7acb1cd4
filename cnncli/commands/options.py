"""How the command line's words become values, where more than one command reads them."""

import re
from pathlib import Path
from typing import Annotated

import typer

from cnncli.commands import opened
from cnncli.errors import UsageError
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.network import Network, adapt
from cnncli.runs.folder import RunFolder
from cnncli.sizing.size import size


def complete_network(incomplete: str) -> list[str]:
    """Shell completion of a network's name."""
    return [name for name in CATALOGUE if name.startswith(incomplete)]


def complete_dataset(incomplete: str) -> list[str]:
    """Shell completion of a dataset's name."""
    from cnncli.data.facts import DATASETS

    return [name for name in DATASETS if name.startswith(incomplete)]


def made(text: str) -> Path:
    """A path; of no text it would be the folder one is in."""
    if not text:
        raise UsageError("--out is ''; expected a name for the run folder to make, as in --out runs/mine")
    return Path(text)


Json = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON document instead of text.")]
Input = Annotated[
    str | None, typer.Option("--input", metavar="SIZE", help="Input size: N, HxW or HxWxC, in pixels and channels.")
]
Classes = Annotated[int | None, typer.Option("--classes", min=1, help="Number of classes.")]
DatasetName = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        help="digits, mnist, cifar10, ..., tfds:NAME, or a folder of images.",
        autocompletion=complete_dataset,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", metavar="DIR", help="The folder of the original files, or the one above it."),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", metavar="", help="Leave out a folder's images that cannot be read.")
]
Offline = Annotated[bool, typer.Option("--offline", metavar="", help="Never open a connection.")]
Device = Annotated[str | None, typer.Option("--device", metavar="cpu|gpu|tpu", help="Where to compute.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", parser=made, help="The run folder to make.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, as train made it.")]


def numbers(text: str, option: str) -> tuple[int, ...]:
    """`3x4` or `3`: whole numbers joined by x."""
    if not re.fullmatch(r"\d{1,9}(x\d{1,9})*", text):
        raise UsageError(f"{option} is '{text}'; expected whole numbers such as 32, 28x28 or 32x32x3")
    return tuple(int(part) for part in text.split("x"))


def pair(text: str, option: str) -> int | tuple[int, int]:
    """`3` or `3x4`."""
    match numbers(text, option):
        case (one,):
            return one
        case (one, two):
            return (one, two)
        case _:
            raise UsageError(f"{option} is '{text}'; expected one number, or two joined by x")


def network(name: str, input: str | None = None, classes: int | None = None) -> Network:
    """The network of a name, adapted to `--input` and `--classes`.

    Raises UsageError, with the file where it is in one, for a network that is impossible at its input.
    """
    found = adapted(find(name), input, classes)
    try:
        size(found)
    except UsageError as error:
        raise UsageError(str(error) if name in CATALOGUE else f"{name}: {error}") from None
    return found


def adapted(found: Network, input: str | None, classes: int | None) -> Network:
    """A network at another input, or with another number of classes."""
    if input is None:
        return adapt(found, None, classes)
    match numbers(input, "--input"):
        case (size,):
            return adapt(found, (size, size, found.input[2]), classes)
        case (height, width):
            return adapt(found, (height, width, found.input[2]), classes)
        case (height, width, channels):
            return adapt(found, (height, width, channels), classes)
        case _:
            raise UsageError(f"--input is '{input}'; expected N, HxW or HxWxC")


def duration(text: str) -> float:
    """Seconds from `90`, `90s`, `2m` or `1h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or float(found[1]) <= 0:
        raise UsageError(f"--max-time is '{text}'; expected a time such as 90s, 2m or 1h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def padding(text: str) -> int | tuple[int, int] | tuple[int, int, int, int]:
    """`2`, `1x0` (rows, columns) or `1x0x1x0` (top, bottom, left, right)."""
    match numbers(text, "--pad"):
        case (one,):
            return one
        case (rows, columns):
            return (rows, columns)
        case (top, bottom, left, right):
            return (top, bottom, left, right)
        case _:
            raise UsageError(f"--pad is '{text}'; expected N, ROWSxCOLUMNS or TOPxBOTTOMxLEFTxRIGHT")


def network_or_run(name: str, input: str | None = None, classes: int | None = None) -> Network:
    """The network of a name or file, or the one a run folder was trained with."""
    if not Path(name).is_dir():
        return network(name, input, classes)
    run = RunFolder.open_run(Path(name))
    return adapted(opened.network(run), input, classes)
