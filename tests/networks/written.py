"""Values as TOML's inline text, and whether what is written is refused in words."""

import json

from cnncli.errors import DataError, UsageError
from cnncli.networks import toml


def said(value):
    """A value as TOML's inline text."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {said(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(said(part) for part in value) + "]"
    if isinstance(value, int) and not isinstance(value, bool):
        # Hexadecimal, in which TOML holds numbers that Python cannot write out.
        return f"0x{value:x}" if value >= 0 else f"-{-value}"
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")


def document(tables):
    """Tables of TOML, each with a header."""
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {said(value)}\n" for key, value in table.items())
        for name, table in tables.items()
    )


def refused(text, name=""):
    """Whether the text is refused in one line; any exception but the two that are the user's escapes."""
    try:
        toml.read(text, "net.toml", name)
    except (UsageError, DataError) as error:
        assert "\n" not in str(error)
        return True
    return False
