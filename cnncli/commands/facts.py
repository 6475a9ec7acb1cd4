"""What run.json says of a run, checked, since people edit files."""

from typing import Any

from cnncli.errors import DataError
from cnncli.runs.folder import RunFolder

_NUMBER = int | float
# What training writes at its beginning, and what it adds at its end.
_NEEDED = {
    "status": str,
    "network": str,
    "dataset": str,
    "started": str,
    "data": {"dir": str | None, "read_from": str},
    "versions": {},
    "device": {"platform": str, "kind": str, "count": int, "threads": int},
}
_LATER = {
    "compile_seconds": _NUMBER,
    "train_seconds": _NUMBER,
    "best": {"epoch": int, "val_accuracy": _NUMBER},
    "last": {"epoch": int, "train_accuracy": _NUMBER},
}


def facts(folder: RunFolder) -> dict[str, Any]:
    """Read run.json. Raises DataError for a value that is missing, or of another kind than training writes."""
    found, where = folder.read_facts(), str(folder.path / "run.json")
    later = {key: kind for key, kind in _LATER.items() if found.get(key) is not None}
    _check(found, _NEEDED | later, where)
    if found["device"]["threads"] < 1:
        raise DataError(f"{where}: threads of device is {found['device']['threads']}; expected at least 1")
    return found


def _check(table: Any, kinds: Any, where: str) -> None:
    for key, kind in kinds.items():
        if key not in table:
            raise DataError(f"{where}: {key} is missing")
        if isinstance(kind, dict):
            if not isinstance(table[key], dict):
                raise DataError(f"{where}: {key} is {table[key]!r}; expected a table")
            _check(table[key], kind, f"{where}: {key}")
        elif not isinstance(table[key], kind):
            expected = "text" if kind in (str, str | None) else "a number"
            raise DataError(f"{where}: {key} is {table[key]!r}; expected {expected}")
