"""Downloads and long reads: a bar at a terminal, elsewhere a line for each that takes long."""

import time
from types import TracebackType

from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from cnncli.console.terminal import messages

SMALL = 1_000
# What is done sooner needs no line.
SECONDS = 2.0


class _Amount(ProgressColumn):
    """How much is done, in items or in bytes, and of how much where that is known."""

    def __init__(self, items: bool = False) -> None:
        super().__init__()
        self.items = items

    def render(self, task: Task) -> Text:
        done, total = int(task.completed), int(task.total or 0)
        if self.items or 0 < total < SMALL:
            return Text(f"{done:,}/{total:,}")
        return Text(f"{decimal(done)} of {decimal(total)}" if total else decimal(done))


class Loading:
    """Called with what is being done, how much is done, and the total; a `with` block ends the bar.

    Totals below SMALL count items, others bytes, unless all are `items`.
    """

    def __init__(self, items: bool = False) -> None:
        self.console = messages()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), _Amount(items), console=self.console, transient=True
        )
        self._task: TaskID | None = None
        self._began: dict[str, float] = {}
        self._said: set[str] = set()

    def __enter__(self) -> "Loading":
        if self.console.is_interactive:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_interactive:
            self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how far something is."""
        if self.console.is_interactive:
            self._show(what, done, total)
        elif time.monotonic() - self._began.setdefault(what, time.monotonic()) > SECONDS and what not in self._said:
            self._said.add(what)
            self.console.print(what, soft_wrap=True)

    def _show(self, what: str, done: int, total: int) -> None:
        if self._task is None:
            self._task = self._bar.add_task(what, total=total or None)
        self._bar.update(self._task, description=what, completed=done, total=total or None)
