"""What a user can do wrong, what can be wrong with a file, and the exit codes that say which it was."""

import difflib
from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    NO = 1
    USAGE = 2
    DATA = 3
    BUG = 70
    SAVED = 75
    INTERRUPTED = 130


class CnncliError(Exception):
    """A message of one line: what was given, what was expected, what to do."""

    exit = Exit.BUG


class ExpectedNo(CnncliError):
    """The answer to the user's question is no: a requirement missed, a size that does not fit, a diverged training."""

    exit = Exit.NO


class UsageError(CnncliError):
    """The user named or wrote something that cannot be."""

    exit = Exit.USAGE


class DataError(CnncliError):
    """A file (data, image, weights, checkpoint) is missing, damaged or does not match, or the disk is full."""

    exit = Exit.DATA


class Bug(CnncliError):
    """Two of our own readers disagree."""

    exit = Exit.BUG


class Stopped(CnncliError):
    """A signal stopped training after its checkpoint was saved."""

    exit = Exit.SAVED


def nearest(given: str, known: Iterable[str]) -> str:
    """Say which of the known names are closest to the given one: `; did you mean 'lenet5'?`, or list the known ones."""
    names = sorted(known)
    close = difflib.get_close_matches(given.lower(), names, n=3, cutoff=0.5)
    if close:
        return "; did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    return "; known: " + ", ".join(names) if len(names) <= 12 else ""
