"""A folder of images that was checked, as tables and as a document."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnncli.data.inventory import WHOLE, Inventory, Issue

# Of each kind so many are told; the document has all.
SHOWN = 10


def tables(found: Inventory) -> list[RenderableType]:
    """The images of each class, sizes and what was ignored, then what was found."""
    body = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    body.add_column("class", overflow="fold")
    for split in found.counts:
        body.add_column(split, justify="right")
    for name in dict.fromkeys(name for classes in found.counts.values() for name in classes):
        body.add_row(name, *(f"{classes.get(name, 0):,}" for classes in found.counts.values()))
    if len(body.rows) > 1:
        body.add_section()
        body.add_row("total", *(f"{sum(classes.values()):,}" for classes in found.counts.values()))
    return [body, *(Text(line) for line in _said(found)), *(_line(issue) for issue in _told(found.issues))]


def _said(found: Inventory) -> Iterator[str]:
    if found.heights and found.widths:
        yield f"heights {_range(found.heights)}, widths {_range(found.widths)} pixels"
    if WHOLE in found.counts:
        yield "no folders for training and testing: a fifth of the images, by their content, are the test split"
    if found.ignored:
        yield f"{found.ignored:,} other file{'s' * (found.ignored > 1)} ignored"
    if found.aside:
        yield f"folders that are no split's, ignored: {', '.join(found.aside)}"
    more = Counter(issue.kind for issue in found.issues)
    for kind, count in more.items():
        if count > SHOWN:
            yield f"{kind}: {count:,}, of which {SHOWN} are shown; --json has all"
    if not found.issues:
        yield "every picture can be read, and none is there twice"


def _range(ends: tuple[int, int]) -> str:
    return f"{ends[0]:,} to {ends[1]:,}" if ends[0] != ends[1] else f"{ends[0]:,}"


def _told(issues: tuple[Issue, ...]) -> Iterator[Issue]:
    told: Counter[str] = Counter()
    for issue in issues:
        told[issue.kind] += 1
        if told[issue.kind] <= SHOWN:
            yield issue


def _line(issue: Issue) -> Text:
    return Text(issue.words, "red" if issue.harmful else "yellow")


def document(found: Inventory) -> dict[str, Any]:
    """`cnncli.images/1`."""
    return {
        "schema": "cnncli.images/1",
        "folder": str(found.root),
        "ok": not found.harmful,
        "images": found.images,
        "splits": {split: dict(classes) for split, classes in found.counts.items()},
        "heights": found.heights,
        "widths": found.widths,
        "ignored": found.ignored,
        "aside": list(found.aside),
        "issues": [
            {"kind": one.kind, "ok": not one.harmful, "problem": one.words, "paths": list(one.paths)}
            for one in found.issues
        ],
    }
