"""Where text goes: results to standard output, everything else to standard error, each as its reader can take it."""

import json
import sys
from typing import Any, TextIO

from rich.console import Console, RenderableType

# Without a terminal nothing is cut or wrapped, however wide a table is.
UNBOUNDED = 10_000


def _console(stream: TextIO) -> Console:
    return Console(file=stream, width=None if stream.isatty() else UNBOUNDED, highlight=False)


def result(*what: RenderableType) -> None:
    """Print results on standard output."""
    console = _console(sys.stdout)
    for one in what:
        console.print(one, soft_wrap=isinstance(one, str))


def line(text: str) -> None:
    """Print one line of a result as it is, for scripts to read."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def document(value: dict[str, Any]) -> None:
    """Print a JSON document on standard output."""
    line(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def messages() -> Console:
    """The console of everything that is not the result."""
    return _console(sys.stderr)


def say(text: str) -> None:
    """Print a remark on standard error."""
    messages().print(text, markup=False, soft_wrap=True)


def complain(text: str) -> None:
    """Print an error on standard error, in one line."""
    console = messages()
    console.print("[bold red]error:[/] ", end="")
    console.print(" ".join(text.split()), markup=False, soft_wrap=True)
