"""Where things stand in a TOML text: the line each table begins on, and how an error says a place.

The standard library's parser tells no positions. So in a copy of the text each table is marked with its line, by one
more key, and the copy is parsed as well: nothing has to be paired or guessed.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Keys = tuple[str | int, ...]

_MARK = "\0"
# What a bracket may stand in without being one comes first: strings of four kinds, and comments.
_TOKEN = re.compile(
    r'''"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*'''
    r"|(?P<header>^[ \t]*)?\[|\]|\{(?P<empty>(?=\s*\}))?|\}|\n",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Place:
    """Where something stands: `net.toml line 12: [net] layer 3`, the line being that of the innermost table.

    `keys` are the keys and numbers that lead to it; `lines` are those of the file's tables, where they are known.
    """

    file: str
    lines: Mapping[Keys, int] = field(default_factory=dict)
    keys: Keys = ()
    said: str = ""

    def inside(self, *keys: str | int, said: str) -> "Place":
        """A place further in, and what an error calls it after the name of this one."""
        return replace(self, keys=(*self.keys, *keys), said=f"{self.said} {said}".strip())

    def __str__(self) -> str:
        """The file, the line where it is known, and the table with the places inside it."""
        outward = (self.keys[:end] for end in range(len(self.keys), 0, -1))
        line = next((self.lines[keys] for keys in outward if keys in self.lines), 0)
        return f"{self.file} line {line}: {self.said}" if line else f"{self.file}: {self.said}"


def lines(text: str) -> dict[Keys, int]:
    """The line on which each table of a TOML text begins, by the keys and numbers that lead to it."""
    try:
        return dict(_marks(tomllib.loads(_marked(text)), ()))
    except (ValueError, RecursionError):  # Where the text has the mark for a key: no line is better than a wrong one.
        return {}


def _marked(text: str) -> str:
    """The text with a mark as the first key of every table that has braces or a header of its own."""
    text = f"{text}\n"
    pieces, end, depth, line, header = [], 0, 0, 1, 0
    for token in _TOKEN.finditer(text):
        pieces.append(text[end : token.end()])
        end, bracket = token.end(), token[0].strip(" \t")
        if bracket == "[" and depth == 0 and token["header"] is not None:
            header = line
        if bracket == "{":
            pieces.append(f'"\\u0000" = {line}' + ("" if token["empty"] is not None else ","))
        elif bracket == "\n" and header:
            pieces.append(f'"\\u0000" = {header}\n')
            header = 0
        depth += (bracket in "[{") - (bracket in "]}")
        line += token[0].count("\n")
    return "".join(pieces)


def _marks(value: Any, keys: Keys) -> Iterator[tuple[Keys, int]]:
    if isinstance(value, dict):
        if _MARK in value:
            yield keys, value.pop(_MARK)
        for key, part in value.items():
            yield from _marks(part, (*keys, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _marks(part, (*keys, number))
