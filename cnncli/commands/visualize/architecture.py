"""`cnncli visualize architecture`: what a network is, as a picture, a graph or a tree."""

import re
from pathlib import Path
from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.console import terminal
from cnncli.console.source import Source
from cnncli.errors import UsageError
from cnncli.networks.network import Network

# The formats of `architecture` and the ends of their files' names; those that are pictures.
FORMATS = {"svg": ".svg", "png": ".png", "dot": ".dot", "mermaid": ".mmd", "tree": ".txt"}
PICTURES = ("svg", "png")
STYLES = ("auto", "volumes", "blocks")

# What Mermaid draws unless the page around it says otherwise.
MERMAID_EDGES = 500


def architecture(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK|RUN",
            help="A catalogued name, FILE.toml[:NAME] or a run folder.",
            autocompletion=options.complete_network,
        ),
    ],
    input: options.Input = None,
    classes: options.Classes = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write; a picture goes to NETWORK.svg by default."),
    ] = None,
    format: Annotated[
        str | None, typer.Option("--format", metavar="|".join(FORMATS), help="Default: what FILE ends in, or svg.")
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option("--depth", min=1, help="Fold groups below this depth. Default: as far as there is room."),
    ] = None,
    style: Annotated[
        str | None, typer.Option("--style", metavar="|".join(STYLES), help="How a picture shows layers.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Overwrite FILE.")] = False,
) -> None:
    """A network as a picture: volumes for a short chain, blocks for branches and shortcuts.

    cnncli visualize architecture lenet5 --out lenet5.png     cnncli visualize architecture resnet18 --format tree
    """
    chosen = _format(out, format)
    if style is not None and style not in STYLES:
        raise UsageError(f"--style is '{style}'; expected auto, volumes or blocks")
    if style is not None and chosen not in PICTURES:
        raise UsageError(f"--style belongs to pictures, svg and png; {chosen} has none")
    found = options.network_or_run(network, input, classes)
    if str(out) == "-" and chosen in PICTURES:
        raise UsageError("--out -: a picture is not printed; expected a name ending in .svg or .png")
    if chosen not in PICTURES and (out is None or str(out) == "-"):
        terminal.result(Source(_text(found, chosen, depth)))
        return
    path = out or Path(_file_name(found.name) + FORMATS[chosen])
    _check_target(path, force)
    if chosen in PICTURES:
        from cnncli.diagrams.architecture import draw

        draw(found, path, chosen, style or "auto", depth)
    else:
        path.write_text(_text(found, chosen, depth), encoding="utf-8")
    terminal.line(str(path))


def _format(out: Path | None, format: str | None) -> str:
    """The format asked for, or what a file's name ends in."""
    if format is not None and format not in FORMATS:
        raise UsageError(f"--format is '{format}'; expected svg, png, dot, mermaid or tree")
    if out is None:
        return format or "svg"
    by_name = {suffix: name for name, suffix in FORMATS.items()}.get(out.suffix.lower())
    if format is None and by_name is None:
        raise UsageError(f"--out {out}: expected a name ending in {', '.join(FORMATS.values())}, or --format")
    if format and by_name and format != by_name:
        raise UsageError(f"--out {out} ends as {by_name} does, --format is {format}; expected one of them, or the same")
    return format or str(by_name)


def _file_name(name: str) -> str:
    """A network's name as a file can have it."""
    return re.sub(r"[^\w.+-]+", "_", name)[:60].lstrip(".-") or "network"


def _check_target(out: Path, force: bool) -> None:
    """Refuse a file that cannot be written, before anything is drawn."""
    if out.exists() and not force:
        raise UsageError(f"{out} exists already; choose another name with --out, or --force to overwrite it")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.absolute().parent}")


def _text(network: Network, format: str, depth: int | None) -> str:
    from cnncli.diagrams import graphs
    from cnncli.diagrams.tree import tree

    if format == "tree":
        return tree(network, depth)
    graph = graphs.graph(network, depth)
    if format == "dot":
        return graphs.dot(graph)
    if len(graph.edges) >= MERMAID_EDGES:
        terminal.say(
            f"Mermaid draws fewer than {MERMAID_EDGES} edges unless told otherwise, here are {len(graph.edges)}; "
            "--depth folds groups"
        )
    return graphs.mermaid(graph)
