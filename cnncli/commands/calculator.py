"""The bare calculator of `cnncli size`: windows over an input, without a network."""

from dataclasses import dataclass

import typer

from cnncli.commands import options
from cnncli.console import calculator as answers
from cnncli.console import terminal
from cnncli.errors import Exit, UsageError
from cnncli.sizing import calculator


@dataclass(frozen=True)
class Asked:
    """The calculator's own options as they were written; None or False where they were not."""

    filter: str | None = None
    pool: str | None = None
    stride: str | None = None
    pad: str | None = None
    same: bool = False
    filters: int | None = None
    ceil: bool = False

    def given(self) -> list[str]:
        """The options that were written, which a network does not take."""
        return [f"--{name}" for name, value in vars(self).items() if value is not None and value is not False]


def calculate(input: str | None, asked: Asked, json: bool = False) -> None:
    """Print how the windows fit; exit 1 where they do not.

    Raises UsageError for options that contradict each other, and for windows that are impossible at their input.
    """
    _agree(input, asked)
    answer = calculator.calculate(_question(input or "", asked))
    if json:
        terminal.document(answers.document(answer))
    else:
        terminal.result(*answers.lines(answer))
    if not answer.fits:
        raise typer.Exit(Exit.NO)


def _agree(input: str | None, asked: Asked) -> None:
    if input is None or (asked.filter is None and asked.pool is None):
        raise UsageError("no network given; expected one, or --input with --filter or --pool for the calculator")
    if asked.pool is not None and asked.filter is not None:
        raise UsageError("--filter and --pool are two layers; leave out one of them")
    if asked.pool is not None and asked.filters is not None:
        raise UsageError("--filters belongs to --filter: pooling keeps the channels; leave out --filters")
    if asked.same and asked.pad is not None:
        raise UsageError("--same chooses the padding by itself; leave out --pad")
    if asked.ceil and asked.pool is None:
        raise UsageError("--ceil belongs to --pool: a convolution is rounded down; leave out --ceil")


def _question(input: str, asked: Asked) -> calculator.Question:
    sizes = options.numbers(input, "--input")
    window = options.pair(asked.filter or "", "--filter") if asked.pool is None else options.pair(asked.pool, "--pool")
    # Pooling windows stand side by side where nothing else is said, as in Keras and PyTorch.
    stride = options.pair(asked.stride, "--stride") if asked.stride is not None else 1 if asked.pool is None else window
    padding = None if asked.same else options.padding(asked.pad or "0")
    return calculator.Question(sizes, window, stride, padding, asked.filters, asked.pool is not None, asked.ceil)
