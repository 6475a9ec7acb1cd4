"""`cnncli size`: a network's shapes, parameters and multiply-adds, or the bare calculator."""

from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.console import calculator as answers
from cnncli.console import sizing, terminal
from cnncli.errors import Exit, UsageError
from cnncli.sizing.calculator import calculate
from cnncli.sizing.size import size as sized


def size(
    network: Annotated[
        str | None,
        typer.Argument(
            metavar="[NETWORK|RUN]",
            help="A catalogued name, FILE.toml[:NAME] or a run folder; none for the calculator.",
            autocompletion=options.complete_network,
        ),
    ] = None,
    input: options.Input = None,
    classes: options.Classes = None,
    filter: Annotated[str | None, typer.Option("--filter", metavar="F", help="Calculator: window, N or HxW.")] = None,
    stride: Annotated[str, typer.Option("--stride", metavar="S", help="Calculator: stride, N or HxW.")] = "1",
    pad: Annotated[str, typer.Option("--pad", metavar="P", help="Calculator: padding, N, HxW or TxBxLxR.")] = "0",
    filters: Annotated[int | None, typer.Option("--filters", help="Calculator: number of filters.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when a layer's windows do not fit.")] = False,
    json: options.Json = False,
) -> None:
    """Size a network by arithmetic, layer by layer; or windows alone.

    cnncli size lenet5     cnncli size --input 227 --filter 11 --stride 4 --pad 0
    """
    if network is None:
        _calculate(input, filter, stride, pad, filters, json)
        return
    if filter is not None or filters is not None:
        raise UsageError("--filter and --filters belong to the calculator, which takes no network")
    report = sized(options.network_or_run(network, input, classes))
    if json:
        terminal.document(sizing.document(report))
    else:
        terminal.result(sizing.table(report))
    if strict and not all(row.windows.fits for row in report.rows if row.windows):
        raise typer.Exit(Exit.NO)


def _calculate(input: str | None, filter: str | None, stride: str, pad: str, filters: int | None, json: bool) -> None:
    if input is None or filter is None:
        raise UsageError("no network given; expected one, or --input and --filter for the calculator")
    answer = calculate(
        options.numbers(input, "--input"),
        options.pair(filter, "--filter"),
        options.pair(stride, "--stride"),
        options.padding(pad),
        filters,
    )
    if json:
        terminal.document(answers.document(answer))
    else:
        terminal.result(*answers.lines(answer))
    if not answer.fits:
        raise typer.Exit(Exit.NO)
