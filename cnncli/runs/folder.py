"""The run folder: what it is called, what it holds as text, and who may write it."""

import fcntl
import json
import math
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import tomli_w

from cnncli.errors import DataError, UsageError, nearest
from cnncli.networks.toml import parse

FACTS = "run.json"
RECIPE = "recipe.toml"
NETWORK = "network.toml"
METRICS = "metrics.jsonl"
LOCK = ".lock"
ROOT = Path("runs")


@dataclass(frozen=True)
class RunFolder:
    """One run on disk: its facts, recipe, network and metrics; checkpoints stand in the folders `slot` names.

    Every method that touches the disk raises DataError, with the path, when the disk is full, forbids it or fails.
    """

    path: Path

    @classmethod
    def create(cls, network: str, dataset: str, out: Path | None = None, root: Path = ROOT) -> "RunFolder":
        """Make `root/NETWORK-DATASET-N` with the first free N, or exactly `out`.

        Raises UsageError when `out` exists and is anything but an empty folder.
        """
        if out is not None:
            return cls(_claim(out))
        with _on_disk(root):
            root.mkdir(parents=True, exist_ok=True)
            stem = f"{_file_name(network)}-{_file_name(dataset)}"
            for number in count(1):
                # mkdir is the one step that only one of two processes can win.
                try:
                    (root / f"{stem}-{number}").mkdir()
                except FileExistsError:
                    continue
                return cls(root / f"{stem}-{number}")
        raise AssertionError("count() does not end")

    @classmethod
    @contextmanager
    def begun(cls, network: str, dataset: str, out: Path | None = None, root: Path = ROOT) -> Iterator["RunFolder"]:
        """`create` a folder; where what follows fails all that was made is removed again, and nothing else."""
        top = out or root
        with _on_disk(top):
            there = [folder for folder in (top, *top.parents) if folder.exists()]
        run = cls.create(network, dataset, out, root)
        try:
            yield run
        except BaseException:
            _remove(run.path, there)
            raise

    @classmethod
    def open_run(cls, path: Path) -> "RunFolder":
        """Open an existing run; DataError says what is missing and which runs are near."""
        with _on_disk(path):
            if not path.exists():
                raise DataError(_not_found(path))
            if not path.is_dir():
                raise DataError(f"{path} is a file, not a run folder")
            lacking = [name for name in (FACTS, RECIPE, NETWORK) if not (path / name).is_file()]
            if lacking:
                inside = _runs_in(path)
                hint = "; it holds the runs " + ", ".join(inside[:12]) if inside else ""
                raise DataError(f"{path} is not a run folder: it lacks {', '.join(lacking)}{hint}")
        return cls(path)

    def slot(self, name: str) -> Path:
        """The folder of the checkpoints called `best` or `last`."""
        return self.path / "checkpoints" / name

    def write_recipe(self, recipe: dict[str, Any]) -> None:
        """Write recipe.toml; entries that are None are left out, since TOML has no word for them."""
        self._replace(RECIPE, tomli_w.dumps(_without_none(recipe)))

    def read_recipe(self) -> dict[str, Any]:
        """Read recipe.toml; DataError when it is missing or not TOML."""
        text = self._read(RECIPE)
        try:
            return parse(text, f"{self.path / RECIPE} is damaged")
        except UsageError as error:
            raise DataError(str(error)) from error

    def write_network(self, text: str) -> None:
        """Write network.toml, the network in the vocabulary's words."""
        self._replace(NETWORK, text)

    def read_network(self) -> str:
        """Read the text of network.toml; DataError when it is missing or not text."""
        return self._read(NETWORK)

    def write_facts(self, facts: dict[str, Any]) -> None:
        """Write run.json; numbers that are not finite become null."""
        self._replace(FACTS, to_json(facts, indent=2) + "\n")

    def read_facts(self) -> dict[str, Any]:
        """Read run.json; DataError when it is missing or not a JSON object."""
        text = self._read(FACTS)
        try:
            return _json_object(text)
        except ValueError as error:
            raise DataError(f"{self.path / FACTS} is damaged: {error}") from error

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add one line to metrics.jsonl; numbers that are not finite become null."""
        file = self.path / METRICS
        with _on_disk(file):
            torn = file.exists() and file.read_bytes()[-1:] not in (b"", b"\n")
        if torn:
            self._write_metrics(self.metrics())
        with _on_disk(file), file.open("a", encoding="utf-8") as stream:
            stream.write(to_json(line) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, oldest first; none when there is no file yet.

        A last line that a kill has torn is left out; DataError names any other line that is not a JSON object.
        """
        file = self.path / METRICS
        with _on_disk(file):
            lines = file.read_bytes().split(b"\n") if file.exists() else [b""]
        found = []
        for number, line in enumerate(lines, start=1):
            try:
                if line:
                    found.append(_json_object(line.decode()))
            except ValueError as error:
                # Only the piece after the last newline can be torn: a whole line ends in a newline.
                if number < len(lines):
                    raise DataError(f"{file}, line {number} is damaged: {error}") from error
        return found

    def keep_metrics(self, until_step: int) -> None:
        """Drop the lines of metrics.jsonl after the global step `until_step`: a resumed run writes them again."""
        lines = self.metrics()
        for number, line in enumerate(lines, start=1):
            if not isinstance(line.get("step"), int):
                raise DataError(f"{self.path / METRICS}, line {number} is damaged: its step is {line.get('step')!r}")
        self._write_metrics([line for line in lines if line["step"] <= until_step])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the run for writing; UsageError names the process that already does.

        The lock is the kernel's, so it goes when the process goes, however it goes.
        """
        file = self.path / LOCK
        with _on_disk(file):
            lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            with _on_disk(file):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
                    raise UsageError(f"another process is writing this run (pid {holder}): {self.path}") from None
                os.ftruncate(lock, 0)
                os.write(lock, f"{os.getpid()}\n".encode())
            yield
        finally:
            # Closing would not do while a forked child still holds a copy; a lock we never had is not affected.
            fcntl.flock(lock, fcntl.LOCK_UN)
            os.close(lock)

    def _write_metrics(self, lines: list[dict[str, Any]]) -> None:
        self._replace(METRICS, "".join(to_json(line) + "\n" for line in lines))

    def _read(self, name: str) -> str:
        with _on_disk(self.path / name):
            try:
                return (self.path / name).read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise DataError(f"{self.path / name} is damaged: it is not UTF-8 text") from error

    def _replace(self, name: str, text: str) -> None:
        """Put a whole new file in place of the old: a reader, or a kill, sees one or the other."""
        part = self.path / f".{name}.part"
        with _on_disk(self.path / name):
            try:
                with part.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
                    stream.write(text)
                    stream.flush()
                    os.fsync(stream.fileno())
                part.replace(self.path / name)
            except OSError:
                part.unlink(missing_ok=True)
                raise


def to_json(value: Any, indent: int | None = None) -> str:
    """JSON that every reader accepts: numbers that are not finite become null, NumPy's scalars become numbers.

    Raises TypeError for what JSON cannot say.
    """
    return json.dumps(_finite(value), allow_nan=False, ensure_ascii=False, indent=indent)


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _finite(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_finite(entry) for entry in value]
        case float():
            return float(value) if math.isfinite(value) else None
        case Path():
            return str(value)
        case _ if getattr(value, "shape", None) == ():
            return _finite(value.item())
        case _:
            return value


def _without_none(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_none(entry) for key, entry in value.items() if entry is not None}
        case list() | tuple():
            return [_without_none(entry) for entry in value if entry is not None]
        case Path():
            return str(value)
        case _:
            return value


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("lists inside each other too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _claim(out: Path) -> Path:
    """Make the folder the user named, or take it over when it is there and empty."""
    with _on_disk(out):
        if out.exists() and not (out.is_dir() and not any(out.iterdir())):
            hint = "give another --out"
            if (out / FACTS).is_file():
                raise UsageError(f"run folder exists: {out}; {hint} or resume it with --resume")
            what = "a folder that is not empty and holds no run" if out.is_dir() else "a file"
            raise UsageError(f"{out} is {what}; {hint}")
        out.mkdir(parents=True, exist_ok=True)
    return out


def _remove(run: Path, there: list[Path]) -> None:
    """Remove all that is in a folder, which was empty when it was claimed, and what of its path was not there."""
    with suppress(OSError):
        for inside in run.iterdir():
            if inside.is_dir():
                shutil.rmtree(inside)
            else:
                inside.unlink()
        for folder in (run, *run.parents):
            if folder not in there:
                folder.rmdir()


def _file_name(name: str) -> str:
    """`tfds:mnist` and `../my images` become `tfds-mnist` and `my-images`."""
    return re.sub(r"[^\w.]+", "-", name).strip("-._") or "unnamed"


def _runs_in(folder: Path) -> list[str]:
    return sorted(file.parent.name for file in folder.glob(f"*/{FACTS}"))


def _not_found(path: Path) -> str:
    """Say that there is no such run, and which runs stand beside it or in `runs`."""
    for folder in (path.parent, ROOT):
        if known := _runs_in(folder):
            where = str(folder) if folder == path.parent else f"{path.parent} or {folder}"
            return f"no run folder {path.name} in {where}{nearest(path.name, known)}"
    return f"no run folder {path}"


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    """Translate what the operating system refuses into one line with the path."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def now() -> str:
    """The time, as files have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
