"""Text that is shown line for line as it is written: the source of a graph, a tree."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text


@dataclass(frozen=True)
class Source:
    """Lines that are neither wrapped nor cut, however narrow the terminal."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines; the last one is ended by whoever prints them."""
        yield Text(self.text.rstrip("\n"), no_wrap=True, overflow="ignore")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as the longest line, and no narrower."""
        longest = Measurement.get(console, options, Text(self.text)).maximum
        return Measurement(longest, longest)
