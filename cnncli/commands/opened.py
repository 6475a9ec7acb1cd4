"""What a run folder holds, read back into values and checked, since people edit files."""

from typing import TYPE_CHECKING, Any

from cnncli.errors import DataError, UsageError
from cnncli.networks import toml
from cnncli.networks.network import Network
from cnncli.runs.folder import RunFolder

if TYPE_CHECKING:
    from cnncli.data.facts import Facts
    from cnncli.evaluation.trained import Trained
    from cnncli.training.recipe import Recipe

# The status of a run whose weights are from a file, and the dataset it has in place of one.
IMPORTED = "imported"
SLOTS = ("best", "last")

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
    "test": {"accuracy": _NUMBER, "loss": _NUMBER, "count": int},
    "frozen": {"layers": int, "values": int, "sha256": str},
    "weights": {
        "file": str,
        "sha256": str,
        "source": str,
        "licence": str,
        "preprocessing": {"resize": int, "crop": int, "interpolation": str, "mean": list, "deviation": list},
    },
}


def network(folder: RunFolder) -> Network:
    """The network that was trained; UsageError for a network.toml that holds none."""
    return toml.read(folder.read_network(), str(folder.path / "network.toml"))


def recipe(folder: RunFolder) -> "Recipe":
    """The recipe it was trained by; UsageError for a recipe.toml that is none."""
    from cnncli.training.recipe import read

    return read(folder.read_recipe(), str(folder.path / "recipe.toml"))


def facts(folder: RunFolder) -> dict[str, Any]:
    """Read run.json. Raises DataError for a value that is missing, or of another kind than training writes."""
    found, where = folder.read_facts(), str(folder.path / "run.json")
    later = {key: kind for key, kind in _LATER.items() if found.get(key) is not None}
    _check(found, _NEEDED | later, where)
    if found["device"]["threads"] < 1:
        raise DataError(f"{where}: threads of device is {found['device']['threads']}; expected at least 1")
    return found


def known(folder: RunFolder) -> "Facts":
    """What the run knows of the images it was trained on; UsageError or DataError where that is not so."""
    from cnncli.data.facts import KEPT, Facts, find

    name, kept = recipe(folder).dataset, facts(folder)["data"]
    return Facts.of(name, kept) if all(key in kept for key in KEPT) else find(name)


def trained(folder: RunFolder, slot: str, of: "Facts") -> "Trained":
    """The network with the parameters of a checkpoint, for data that facts describe; see `evaluation.trained`."""
    from cnncli.evaluation.trained import restore

    how = recipe(folder)
    return restore(
        folder.slot(slot),
        network(folder),
        of,
        scaling=how.scaling,
        fit=how.fit,
        loss=how.loss,
        precision=how.precision or "float32",
    )


def _check(table: Any, kinds: Any, where: str) -> None:
    for key, kind in kinds.items():
        if key not in table:
            raise DataError(f"{where}: {key} is missing")
        if isinstance(kind, dict):
            if not isinstance(table[key], dict):
                raise DataError(f"{where}: {key} is {table[key]!r}; expected a table")
            _check(table[key], kind, f"{where}: {key}")
        elif not isinstance(table[key], kind):
            expected = "text" if kind in (str, str | None) else "a list" if kind is list else "a number"
            raise DataError(f"{where}: {key} is {table[key]!r}; expected {expected}")


def slot_of(folder: RunFolder, wanted: str | None) -> str:
    """The checkpoint to read."""
    if wanted is not None and wanted not in SLOTS:
        raise UsageError(f"--checkpoint is '{wanted}'; expected best or last")
    there = [slot for slot in SLOTS if folder.slot(slot).is_dir()]
    if not there:
        raise DataError(f"{folder.path} has no checkpoint yet; train it with: cnncli train --resume {folder.path}")
    if wanted is not None and wanted not in there:
        raise DataError(f"{folder.path} has no checkpoint '{wanted}', only {' and '.join(there)}")
    return wanted or there[0]
