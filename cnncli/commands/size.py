"""`cnncli size`: a network's shapes, parameters and multiply-adds, or the bare calculator."""

from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.console import calculator as answers
from cnncli.console import sizing, terminal
from cnncli.errors import Exit, ExpectedNo, UsageError
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
    stride: Annotated[
        str | None, typer.Option("--stride", metavar="S", help="Calculator: stride, 1, N or HxW.")
    ] = None,
    pad: Annotated[str | None, typer.Option("--pad", metavar="P", help="Calculator: 0, N, HxW or TxBxLxR.")] = None,
    filters: Annotated[
        int | None, typer.Option("--filters", metavar="N", help="Calculator: number of filters.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", metavar="", help="Exit 1 when a layer's windows do not fit.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Size a network by arithmetic, layer by layer; or windows alone.

    cnncli size lenet5     cnncli size --input 227 --filter 11 --stride 4 --pad 0
    """
    if network is None:
        _calculate(input, filter, stride or "1", pad or "0", filters, classes, json)
        return
    calculator = {"--filter": filter, "--stride": stride, "--pad": pad, "--filters": filters}
    if misplaced := [option for option, value in calculator.items() if value is not None]:
        raise UsageError(f"{misplaced[0]} belongs to the calculator, which takes no network; leave out one of them")
    report = sized(options.network_or_run(network, input, classes))
    if json:
        terminal.document(sizing.document(report))
    else:
        terminal.result(sizing.table(report))
    unfit = [row.path for row in report.rows if row.windows and not row.windows.fits]
    if strict and unfit:
        layers = f"{len(unfit)} layer{'s' * (len(unfit) > 1)}"
        raise ExpectedNo(f"--strict: the windows of {layers} do not fit their input: {', '.join(unfit)}")


def _calculate(
    input: str | None, filter: str | None, stride: str, pad: str, filters: int | None, classes: int | None, json: bool
) -> None:
    if input is None or filter is None:
        raise UsageError("no network given; expected one, or --input and --filter for the calculator")
    if classes is not None:
        raise UsageError("--classes belongs to a network; the calculator takes none")
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
