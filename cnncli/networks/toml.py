"""Networks written to and read from TOML, in the vocabulary's own words.

[tiny]
input = [28, 28, 1]
layers = [
    { layer = "conv", features = 6, window = 5, name = "c1" },
    { layer = "activation", kind = "tanh" },
]

What is written is written out, a line a layer; what is read may use blocks and repeats as well (see `blocks`).
"""

import json
import re
import textwrap
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from cnncli.errors import DataError, UsageError, nearest
from cnncli.networks.blocks import Tables, is_network
from cnncli.networks.layers import Layer
from cnncli.networks.lines import Place, lines
from cnncli.networks.network import Network


def write(network: Network) -> str:
    """The network as TOML, a line a layer; fields at their default are left out."""
    keys = [one.name for one in fields(network) if one.name not in ("name", "layers")] + ["layers"]
    said = ((key, getattr(network, key)) for key in keys)
    return f"[{_key(network.name)}]\n" + "".join(
        f"{key} = {_text(value)}\n" for key, value in said if value not in ("", 0)
    )


def _text(value: Any, indent: str = "") -> str:
    """A value in TOML's words; a list of layers, or of branches, takes a line for each."""
    if isinstance(value, Layer):
        said = {one.name: getattr(value, one.name) for one in fields(value)}
        kept = {one.name: said[one.name] for one in fields(value) if said[one.name] != one.default}
        # The name first, then the fields in the order of the vocabulary.
        words = {"layer": value.word, **({"name": kept["name"]} if "name" in kept else {}), **kept}
        return "{ " + ", ".join(f"{key} = {_text(part, indent)}" for key, part in words.items()) + " }"
    if isinstance(value, tuple):
        parts = [_text(part, indent + "    ") for part in value]
        if _long(value):
            return "[\n" + "".join(f"{indent}    {part},\n" for part in parts) + indent + "]"
        return "[" + ", ".join(parts) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    # A JSON string is a TOML string, but for the one control character that JSON leaves bare.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F") if isinstance(value, str) else repr(value)


def _long(value: Any) -> bool:
    """Whether a list is one of layers, of branches or of codes, rather than of numbers."""
    return isinstance(value, tuple) and any(isinstance(part, Layer | str) or _long(part) for part in value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def parse(text: str, where: str) -> dict[str, Any]:
    """The tables of TOML text; UsageError for what is not TOML."""
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError is one; a number of more than 4300 digits raises it bare.
        raise UsageError(f"{where}: not TOML: {error}") from None
    except RecursionError:
        raise UsageError(f"{where}: lists inside each other too deeply") from None


def read(text: str, where: str, name: str = "") -> Network:
    """The network called `name` in TOML text, or its only one; `where` names the file in errors.

    Raises UsageError for text that is not TOML, unknown words, keys and blocks, and values that cannot be.
    """
    try:
        return _read(text, where, name)
    except RecursionError:
        raise UsageError(f"{where}: lists or layers inside each other too deeply") from None


def _read(text: str, where: str, name: str) -> Network:
    tables = parse(text, where)
    name = _chosen(tables, where, name)
    try:
        return Tables(tables, Place(where)).network(name)
    except UsageError:  # Only now it matters on which line a table begins.
        return Tables(tables, Place(where, lines(text))).network(name)


def _chosen(tables: dict[str, Any], where: str, name: str) -> str:
    """The table that is meant: the one called `name`, or the only network (or block, which is refused later)."""
    networks = [key for key, table in tables.items() if is_network(table)]
    others = [key for key, table in tables.items() if isinstance(table, dict) and {"layers", "input"} & set(table)]
    if name:
        if name not in others:
            why = "; that table has no layers" if name in tables else nearest(name, networks)
            raise UsageError(f"{where}: no network {name!r}{why}")
        return name
    if len(networks) > 1:
        names = textwrap.shorten(", ".join(networks), 400, placeholder=" ...")
        raise UsageError(f"{where} holds {len(networks)} networks; say which: {where}:NAME; known: {names}")
    if not networks and len(others) != 1:
        raise UsageError(f"{where}: no network in it; expected a table with input and layers, as in [tiny]")
    return (networks or others)[0]


def load(path: Path, name: str = "") -> Network:
    """The network called `name` in a file, or its only one. Raises DataError when the file cannot be read."""
    try:
        return read(path.read_text(encoding="utf-8-sig"), str(path), name)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text: {getattr(error, 'strerror', None) or error}") from None
