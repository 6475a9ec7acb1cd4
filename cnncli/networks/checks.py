"""What a field of a layer may hold: each check gives a raw value its one canonical form.

A window, stride or size is `N` or `(height, width)`; a padding is `N`, `(rows, columns)` or `(top, bottom, left,
right)`. The canonical form is the shortest that says the same, so equal layers compare equal however they were written.
"""

from collections.abc import Callable
from dataclasses import MISSING, field
from typing import Any

Check = Callable[[Any], Any]
Pair = int | tuple[int, int]
Padding = int | tuple[int, int] | tuple[int, int, int, int]


def checked(check: Check, default: Any = MISSING) -> Any:
    """A dataclass field whose value passes through `check` when a layer is made."""
    return field(default=default, metadata={"check": check})


def whole(least: int) -> Check:
    """A whole number of at least `least`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"a whole number of at least {least}")
        return value

    return check


def number(least: float, below: float = float("inf")) -> Check:
    """A finite number x with `least` <= x < `below`."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < below:
            raise ValueError(f"a number of at least {least:g}" + (f" and below {below:g}" if below < 1e308 else ""))
        return float(value)

    return check


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def one_of(*names: str) -> Check:
    """One of the given names."""

    def check(value: Any) -> str:
        if value not in names:
            raise ValueError("one of " + ", ".join(names))
        return str(value)

    return check


def name(value: Any) -> str:
    """A layer's name: no slash, which joins names into paths, and no dot or blank."""
    if not isinstance(value, str) or set(value) & set("/. \t\n") or value.startswith("_"):
        raise ValueError("text without slash, dot or blank, not beginning with an underscore")
    return value


def pair(least: int) -> Check:
    """`N` or `(height, width)`, each at least `least`."""
    each = whole(least)

    def check(value: Any) -> Pair:
        try:
            if isinstance(value, list | tuple) and len(value) == 2:
                rows, columns = (each(part) for part in value)
                return int(rows) if rows == columns else (rows, columns)
            return int(each(value))
        except ValueError:
            raise ValueError(f"a whole number of at least {least}, or two: height, width") from None

    return check


def padding(value: Any) -> Padding:
    """`N`, `(rows, columns)` or `(top, bottom, left, right)`, each at least 0."""
    try:
        top, bottom, left, right = (whole(0)(side) for side in four_sides(value))
    except (ValueError, TypeError):
        raise ValueError(
            "a whole number of at least 0, or two: rows, columns; or four: top, bottom, left, right"
        ) from None
    if top == bottom and left == right:
        return int(top) if top == left else (top, left)
    return (top, bottom, left, right)


def two(value: Pair) -> tuple[int, int]:
    """A window, stride or size written out: height, width."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def four_sides(value: Padding) -> tuple[int, int, int, int]:
    """A padding written out: top, bottom, left, right."""
    if isinstance(value, int):
        return (value,) * 4
    if len(value) == 2:
        return (value[0], value[0], value[1], value[1])
    top, bottom, left, right = value
    return (top, bottom, left, right)


def table(value: Any) -> tuple[tuple[int, ...], ...]:
    """A connection table: for each output map the input maps it takes from, counted from 0, each at most once."""
    each = whole(0)
    try:
        rows = tuple(tuple(each(part) for part in row) for row in value)
        if rows and all(row and len(set(row)) == len(row) for row in rows):
            return rows
    except (ValueError, TypeError):
        pass
    raise ValueError("for each output map a list of different input maps, counted from 0")


def bitmaps(value: Any) -> tuple[str, ...]:
    """A code for each class: rows of `#` (plus one) and `.` (minus one) joined by blanks, all of the same length."""
    codes = tuple(value) if isinstance(value, list | tuple) else ()
    if codes and all(isinstance(code, str) and not set(code) - set("#. ") for code in codes):
        sizes = {len(code.replace(" ", "")) for code in codes}
        if len(sizes) == 1 and sizes != {0}:
            return codes
    raise ValueError("for each class a text of # and . (blanks between rows), all of the same length")
