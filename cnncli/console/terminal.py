"""Where text goes: results to standard output, everything else to standard error, each as its reader can take it."""

import io
import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from cnncli.errors import DataError
from cnncli.runs.folder import to_json

# Without a terminal nothing is cut or wrapped, however wide a table is.
UNBOUNDED = 10_000
# Columns that sentences are wrapped to, however wide the terminal is.
SENTENCE = 80


def open_streams() -> None:
    """Put nowhere in place of standard streams that are closed."""
    # Else the next file opened gets the number of a closed one, and what is printed.
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115


def close_streams() -> None:
    """Write out what others left in standard output; what cannot be written is dropped."""
    try:
        sys.stdout.flush()
    except OSError:
        _drop()


def _console(file: IO[str], terminal: bool, width: int | None = None) -> Console:
    width = width if terminal else UNBOUNDED
    return Console(file=file, width=width, force_terminal=terminal, highlight=False, markup=False, emoji=False)


def result(*what: RenderableType) -> None:
    """Print results on standard output."""
    flat = [part for one in what for part in (one.renderables if isinstance(one, Group) else [one])]
    text = "".join(map(_rendered, flat))
    # Blanks that fill a table's last column are nothing to a reader, and fold into empty lines.
    text = re.sub(r" +((?:\x1b\[0m)?)$", r"\1", text, flags=re.MULTILINE)
    _put(text.encode(sys.stdout.encoding or "utf-8", "backslashreplace"))


def _rendered(what: RenderableType) -> str:
    """Text as wide as the terminal.

    A table that is too wide has its columns moved together, its cells wrapped between words, and if that is not
    enough its lines are left for the terminal to fold: nothing is cut, and no number broken.
    """
    file = io.StringIO()
    console = _console(file, sys.stdout.isatty())
    what = Text(what) if isinstance(what, str) else what
    if isinstance(what, Table) and _narrowest(console, what) > console.width:
        what.collapse_padding = True
    if _narrowest(console, what) > console.width:
        console = _console(file, sys.stdout.isatty(), UNBOUNDED)
    console.print(what)
    return file.getvalue()


def _narrowest(console: Console, what: RenderableType) -> int:
    unbounded = console.options.update(max_width=UNBOUNDED)
    return Measurement.get(console, unbounded, what).minimum


def width() -> int:
    """The columns that results have; without a terminal there is no end to them."""
    return _console(io.StringIO(), sys.stdout.isatty()).width


def sentence(text: Text) -> RenderableType:
    """Running text, wrapped to a width that reads well."""
    return Constrain(text, SENTENCE)


def line(text: str) -> None:
    """Print one line of a result as it is, for scripts to read: a path keeps the bytes it has on disk."""
    _put(os.fsencode(text) + b"\n")


def document(value: dict[str, Any]) -> None:
    """Print a JSON document on standard output; what is not finite is null."""
    text = to_json(value, indent=2) + "\n"
    try:
        _put(text.encode(sys.stdout.encoding or "utf-8"))
    except UnicodeEncodeError:
        # What this encoding cannot say, JSON can escape.
        _put(json.dumps(json.loads(text), indent=2).encode() + b"\n")


def _put(data: bytes) -> None:
    """Write to standard output; a reader that has had enough is no error. Raises DataError where that cannot be."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _drop()
    except OSError as error:
        _drop()
        raise DataError(f"standard output cannot be written: {error.strerror or error}") from None


def _drop() -> None:
    """Send nowhere what is still buffered for standard output, and all that follows."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Lossy(io.TextIOBase):
    """Standard error that never fails: a remark that cannot be written is lost, and the work goes on."""

    def __init__(self) -> None:
        # Kept, since a progress bar puts itself in place of sys.stderr, and writes here.
        self._stream = sys.stderr

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


def messages() -> Console:
    """The console of everything that is not the result."""
    return _console(cast(IO[str], _Lossy()), sys.stderr.isatty())


def say(text: str) -> None:
    """Print a remark on standard error."""
    messages().print(text, soft_wrap=True)


def complain(text: str) -> None:
    """Print an error on standard error, in one line."""
    messages().print(Text.assemble(("error:", "bold red"), " ", " ".join(text.split())), soft_wrap=True)
