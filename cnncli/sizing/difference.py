"""Two networks row against row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from cnncli.sizing.report import Row

Rows = tuple[Row, ...]


@dataclass(frozen=True)
class Pair:
    """A row of each network, or of one alone."""

    left: Row | None
    right: Row | None

    @property
    def same(self) -> bool:
        """Whether both are there and make the same of their input."""
        return self.left is not None and self.right is not None and _content(self.left) == _content(self.right)


def align(left: Rows, right: Rows) -> tuple[Pair, ...]:
    """Pair rows of the same path in their order; between them rows of the same kind; others stand alone."""
    return tuple(_aligned(left, right, lambda row: row.path, lambda a, b: _aligned(a, b, _kind, _alone)))


def _kind(row: Row) -> str:
    return f"{row.word} {row.kind}"


def _alone(left: Rows, right: Rows) -> Iterator[Pair]:
    yield from (Pair(row, None) for row in left)
    yield from (Pair(None, row) for row in right)


def _aligned(
    left: Rows, right: Rows, key: Callable[[Row], str], otherwise: Callable[[Rows, Rows], Iterator[Pair]]
) -> Iterator[Pair]:
    matcher = SequenceMatcher(None, [key(row) for row in left], [key(row) for row in right], autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal":
            yield from map(Pair, left[a:b], right[c:d])
        else:
            yield from otherwise(left[a:b], right[c:d])


def _content(row: Row) -> tuple[object, ...]:
    windows = row.windows
    laid = (windows.window, windows.stride, windows.padding) if windows else None
    return (row.word, row.kind, laid, row.groups, row.output, row.params, row.stats, row.macs)
