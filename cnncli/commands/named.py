"""Which pictures the words of a command line name: files, folders, patterns and standard input."""

import os
import re
import sys
from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from cnncli.console import terminal
from cnncli.errors import DataError, UsageError

if TYPE_CHECKING:
    from cnncli.data.decoding import Given

STDIN = "-"
# How pictures begin that need not have a zero among their first bytes, as a line of text never has.
_PICTURE = re.compile(rb"\x89PNG|\xff\xd8\xff|P[1-7]\s+(#|\d+\s+\d+\s)")
_FIRST = 512
# No picture that is read is larger; what does not end would fill the memory.
_MOST_BYTES = 2**30


def named(words: Sequence[str]) -> "list[Given]":
    """The pictures that words name, in their order: those of a folder or a pattern by their paths, 9 before 10.

    Raises DataError for what is not there or names nothing, UsageError for an empty word.
    """
    if "" in words:
        # A path without a name would be this folder.
        raise UsageError("an image's name is empty; expected a file, a folder, a pattern or -")
    if words.count(STDIN) > 1:
        raise UsageError("- is given twice; standard input is read once")
    return [picture for word in words for picture in (_piped() if word == STDIN else _found(word, patterns=True))]


def _found(word: str, patterns: bool) -> "list[Given]":
    """The pictures of a file, a folder, or, where there is neither, of a pattern that no shell has expanded."""
    from cnncli.data.decoding import Given
    from cnncli.data.tree import natural

    if _is_folder(Path(word)):
        return [Given(path) for path in _inside(Path(word))]
    if patterns and has_magic(word) and not os.path.lexists(word):
        matching = glob(word, recursive=True)  # noqa: PTH207 (pathlib takes no absolute patterns)
        paths = sorted((path for path in matching if not _is_folder(Path(path))), key=natural)
        if not paths:
            raise DataError(f"no file matches '{word}'; ** stands for any folders, as in 'photos/**/*.jpg'")
        return [Given(path) for path in paths]
    # What is not there is found out where it is read, as is what is no picture.
    return [Given(word)]


def _inside(folder: Path) -> list[str]:
    """The paths of all pictures in a folder and the folders in it, by the ends of their names; none that is hidden."""
    from cnncli.data.pictures import SUFFIXES
    from cnncli.data.tree import REFUSED, natural, walked

    every = sorted(map(str, walked(folder)), key=natural)
    # Kinds that nobody here can read are refused, not overlooked.
    paths = [path for path in every if Path(path).suffix.lower() in SUFFIXES | REFUSED]
    if not paths:
        raise DataError(f"{folder} holds no picture; expected files such as .png or .jpg")
    if others := len(every) - len(paths):
        terminal.say(f"note: {folder} holds {others:,} {'files' if others > 1 else 'file'} of other kinds, left out")
    return paths


def _is_folder(path: Path) -> bool:
    """Whether it is one; what may not even be looked at is found out where it is read."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _piped() -> "list[Given]":
    """One picture's bytes, or paths of files and folders, one a line: what it begins with tells which."""
    from cnncli.data.decoding import Given

    content = sys.stdin.buffer.read(_MOST_BYTES + 1) if sys.stdin else b""
    if len(content) > _MOST_BYTES:
        raise DataError(f"standard input has more than {_MOST_BYTES:,} bytes; expected a picture, or paths of pictures")
    if not content.strip():
        raise DataError("standard input is empty; expected a picture, or paths of pictures, one a line")
    if _PICTURE.match(content) or b"\0" in content[:_FIRST]:
        return [Given(STDIN, content)]
    lines = [os.fsdecode(line.rstrip(b"\r")) for line in content.split(b"\n")]
    return [picture for line in lines if line for picture in _found(line, patterns=False)]
