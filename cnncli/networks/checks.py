"""What a field of a layer may hold: each check gives a raw value its one canonical form.

A window, stride or size is `N` or `(height, width)`; a padding is `N`, `(rows, columns)` or `(top, bottom, left,
right)`. The canonical form is the shortest that says the same, so equal layers compare equal however they were written.
"""

import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, field, fields
from math import inf
from typing import Any, TypeVar

from cnncli.errors import UsageError, nearest

Check = Callable[[Any], Any]
Pair = int | tuple[int, int]
Padding = int | tuple[int, int] | tuple[int, int, int, int]

# Beyond these no array has a size and no float a value.
TOO_MANY = 2**31
TOO_LARGE = 1e308

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 60


def shown(value: Any) -> str:
    """A value as an error message shows it, on one line and shortened where it is long."""
    try:
        return _short.repr(value)
    except ValueError:  # Python writes out no whole number of more than 4300 digits.
        return "a huge number"


def checked(check: Check, default: Any = MISSING) -> Any:
    """A dataclass field whose value passes through `check` when a layer is made."""
    return field(default=default, metadata={"check": check})


class Checked:
    """A frozen dataclass whose fields pass through their checks; UsageError names the field that does not."""

    def __post_init__(self) -> None:
        """Bring every field into its canonical form."""
        for one in fields(self):  # type: ignore[arg-type]
            if check := one.metadata.get("check"):
                given = getattr(self, one.name)
                try:
                    object.__setattr__(self, one.name, check(given))
                except ValueError as expected:
                    raise UsageError(f"{self.label()}{one.name} is {shown(given)}; expected {expected}") from None

    def label(self) -> str:
        """What an error calls this value, before the field's name."""
        return ""


Kind = TypeVar("Kind", bound=Checked)


def from_table(kind: type[Kind], given: Mapping[str, Any], where: str) -> Kind:
    """Make a checked value of a TOML table; UsageError for keys that are unknown, missing or hold what they cannot."""
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    needed = [key for key, one in known.items() if one.default is MISSING and one.default_factory is MISSING]
    only(given, known, needed, where)
    try:
        return kind(**given)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def only(given: Iterable[str], known: Iterable[str], needed: Iterable[str], where: str) -> None:
    """Refuse a table with a key that is not known, or without one that is needed."""
    for key in given:
        if key not in known:
            raise UsageError(f"{where}: unknown key {shown(key)}{nearest(key, known)}")
    if missing := sorted(set(needed) - set(given)):
        raise UsageError(f"{where}: {' and '.join(missing)} missing")


def whole(least: int) -> Check:
    """A whole number of at least `least`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"a whole number of at least {least}")
        if value >= TOO_MANY:
            raise ValueError("a whole number below 2^31")
        return value

    return check


def number(least: float, below: float = TOO_LARGE) -> Check:
    """A finite number x with `least` <= x < `below`."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < below:
            finite = "finite " * (value == inf)
            bound = f" and below {below:g}" if below < TOO_LARGE else ""
            raise ValueError(f"a {finite}number of at least {least:g}{bound}")
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
            raise ValueError("one of " + ", ".join(name for name in names if name))
        return str(value)

    return check


def text(value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def name(value: Any) -> str:
    """A layer's name: no slash, which joins names into paths, and no dot or blank."""
    if not isinstance(value, str) or not value.isprintable() or set(value) & set("/. ") or value.startswith("_"):
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
    except (ValueError, TypeError, LookupError):
        raise ValueError(
            "a whole number of at least 0, or two: rows, columns; or four: top, bottom, left, right"
        ) from None
    if top == bottom and left == right:
        return int(top) if top == left else (top, left)
    return (top, bottom, left, right)


def image(value: Any) -> tuple[int, int, int]:
    """Height, width and channels."""
    try:
        height, width, channels = (whole(1)(part) for part in value)
    except (TypeError, ValueError):
        raise ValueError("height, width, channels, each at least 1") from None
    return height, width, channels


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
