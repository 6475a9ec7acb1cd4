"""How long work on data says how far it is."""

from collections.abc import Callable

Report = Callable[[str, int, int], None]
"""Called with what is being done, how much is done, and the total (bytes or items; 0 where the total is unknown)."""


def silent(what: str, done: int, total: int) -> None:
    """Report to nobody."""
