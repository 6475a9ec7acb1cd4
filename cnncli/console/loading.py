"""Downloads and long reads as a bar at a terminal, and as one line each elsewhere."""

from types import TracebackType

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from cnncli.console.terminal import messages

# What is done sooner than this many bytes or items needs no bar.
SMALL = 1_000


class Loading:
    """Called with what is being done, how much is done, and the total; a `with` block ends the bars."""

    def __init__(self) -> None:
        self.console = messages()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=self.console, transient=True
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Loading":
        if self.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how far something is."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=total or None)
            if not self.console.is_terminal:
                self.console.print(what, markup=False, soft_wrap=True)
        self._bar.update(self._tasks[what], completed=done, total=total or None)
