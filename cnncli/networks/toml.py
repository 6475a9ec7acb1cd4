"""Networks written to and read from TOML, in the vocabulary's own words.

[tiny]
input = [28, 28, 1]
layers = [
    { layer = "conv", features = 6, window = 5, name = "c1" },
    { layer = "activation", kind = "tanh" },
]
"""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from cnncli.errors import CnncliError, DataError, UsageError, nearest
from cnncli.networks.checks import from_table, only, shown
from cnncli.networks.layers import WORDS, Layer
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

    Raises UsageError for text that is not TOML, unknown words or keys, and values that cannot be.
    """
    try:
        return _read(text, where, name)
    except RecursionError:
        raise UsageError(f"{where}: lists or layers inside each other too deeply") from None


def _read(text: str, where: str, name: str) -> Network:
    entries = parse(text, where)
    networks = {key: entry for key, entry in entries.items() if isinstance(entry, dict) and "layers" in entry}
    if not networks:
        raise UsageError(f"{where}: no network in it; expected a table with input and layers, as in [tiny]")
    if not name and len(networks) > 1:
        raise UsageError(f"{where} holds {len(networks)} networks; say which: {where}:NAME{nearest('', networks)}")
    name = name or next(iter(networks))
    if name not in networks:
        raise UsageError(f"{where}: no network {name!r}{nearest(name, networks)}")
    return _network(networks[name], f"{where}: [{name}]", name)


def load(path: Path, name: str = "") -> Network:
    """The network called `name` in a file, or its only one. Raises DataError when the file cannot be read."""
    try:
        return read(path.read_text(encoding="utf-8"), str(path), name)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text: {getattr(error, 'strerror', None) or error}") from None


def _network(entry: dict[str, Any], where: str, name: str) -> Network:
    known = {one.name for one in fields(Network)} - {"name"}
    only(entry, known, {"input", "layers"}, where)
    if not isinstance(entry["layers"], list):
        raise UsageError(f"{where}: layers is {shown(entry['layers'])}; expected a list of layers")
    try:
        built = tuple(_layer(one, f"{where} layer {place}") for place, one in enumerate(entry["layers"], 1))
        return Network(name=name, layers=built, **{key: entry[key] for key in entry if key != "layers"})
    except CnncliError as error:
        raise UsageError(str(error) if str(error).startswith(where) else f"{where}: {error}") from None


def _layer(entry: Any, where: str) -> Layer:
    if not isinstance(entry, dict) or not isinstance(entry.get("layer"), str):
        raise UsageError(f'{where} is {shown(entry)}; expected a table such as {{ layer = "conv", ... }}')
    if (word := entry["layer"]) not in WORDS:
        raise UsageError(f"{where}: no layer {shown(word)}{nearest(word, WORDS)}")
    where = f"{where} ({word})"
    given = {key: _value(value, f"{where} {key}") for key, value in entry.items() if key != "layer"}
    return from_table(WORDS[word], given, where)


def _value(value: Any, where: str) -> Any:
    """Tables inside are layers; lists are tuples, of layers or of numbers."""
    if isinstance(value, list):
        return tuple(_value(part, f"{where} {place}") for place, part in enumerate(value, 1))
    return _layer(value, where) if isinstance(value, dict) else value
