"""Where metrics go besides metrics.jsonl: a CSV file, TensorBoard, Weights & Biases."""

import csv
import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

from cnncli.errors import DataError, UsageError, nearest
from cnncli.runs.folder import RunFolder

# One line of metrics.jsonl.
Line = Mapping[str, Any]

# How the figures of a line are called where many runs are looked at together; others keep their names.
NAMES = {
    "train_loss": "loss/training",
    "val_loss": "loss/validation",
    "train_accuracy": "accuracy/training",
    "val_accuracy": "accuracy/validation",
}


class Log(ABC):
    """A place for a run's metrics. Whatever is done with it raises DataError where the place cannot be written."""

    package: ClassVar[str] = ""

    def __init__(self, folder: RunFolder, config: Mapping[str, Any]) -> None:
        self.folder, self.config = folder, config

    @abstractmethod
    def start(self, earlier: Sequence[Line]) -> None:
        """Begin, after the epochs that a resumed run has kept: what was logged after those does not hold."""

    @abstractmethod
    def line(self, line: Line) -> None:
        """Log an epoch; start was called."""

    @abstractmethod
    def close(self) -> None:
        """Write out what is left, whether start was called or not."""


class Csv(Log):
    """metrics.csv: the lines of metrics.jsonl as a table, empty where there is no finite number."""

    def start(self, earlier: Sequence[Line]) -> None:
        """Have all written anew: a torn line goes, and so do the epochs that will come again."""
        self.path, self.earlier = self.folder.path / "metrics.csv", earlier
        self.columns: list[str] = []

    def line(self, line: Line) -> None:
        """Add a row; the first also writes the header and the rows before it."""
        if self.columns:
            self._write(self.path, [line], "a")
            return
        self.columns = list(dict.fromkeys(key for one in (*self.earlier, line) for key in one))
        part = self.path.with_name(f".{self.path.name}.part")
        try:
            self._write(part, [*self.earlier, line], "w")
            with _on_disk(self.path):
                part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is left: each row was written at once."""

    def _write(self, path: Path, lines: Iterable[Line], mode: str) -> None:
        with _on_disk(self.path), path.open(mode, newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, self.columns, extrasaction="ignore", lineterminator="\n")
            if mode == "w":
                writer.writeheader()
            writer.writerows({key: _cell(value) for key, value in line.items()} for line in lines)


class TensorBoard(Log):
    """Event files in the folder `tensorboard`, written at once and by this thread, so that a full disk is noticed."""

    package = "tensorboardX"
    writer: Any = None

    def start(self, earlier: Sequence[Line]) -> None:
        """Open a file that hides what older ones hold after `earlier`; those are written where there is no older."""
        from tensorboardX import RecordWriter
        from tensorboardX.proto.event_pb2 import Event, SessionLog

        where = self.folder.path / "tensorboard"
        step = int(earlier[-1]["step"]) + 1 if earlier else 0
        with _on_disk(where):
            where.mkdir(exist_ok=True)
            older = any(where.iterdir())
            # TensorBoard reads files in the order of their names, the seconds first.
            name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
            self.writer = RecordWriter(str(where / name))
        self._add(Event(wall_time=time.time(), file_version="brain.Event:2"))
        self._add(Event(wall_time=time.time(), step=step, session_log=SessionLog(status=SessionLog.START)))
        for line in () if older else earlier:
            self.line(line)

    def line(self, line: Line) -> None:
        """Add the epoch's figures at its step."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in _figures(line).items()]
        self._add(Event(wall_time=time.time(), step=int(line["step"]), summary=Summary(value=values)))

    def close(self) -> None:
        """Close the file."""
        if self.writer is not None:
            with _on_disk(Path(self.writer.path)):
                self.writer.close()

    def _add(self, event: Any) -> None:
        with _on_disk(Path(self.writer.path)):
            self.writer.write(event.SerializeToString())
            self.writer.flush()


class WandB(Log):
    """A run of the project `cnncli`: online for who is logged in or sets WANDB_MODE, else in the run folder's `wandb`.

    Resumed, it is the same run, whose steps only ever grow: epochs that come again are dropped, and were the same.
    """

    package = "wandb"

    def __init__(self, folder: RunFolder, config: Mapping[str, Any]) -> None:
        """Begin a run, or go on with this folder's own: before training, so that no epoch is lost where that fails."""
        super().__init__(folder, config)
        import wandb

        self.new = not (folder.path / "wandb").exists()
        try:
            self.run = wandb.init(
                project="cnncli",
                name=folder.path.name,
                id=self._id(),
                resume="allow",
                dir=folder.path,
                config=dict(config),
                mode=self._mode(),
                # Standard output holds the run's path and nothing else.
                settings=wandb.Settings(silent=True, console="off"),
            )
        # A setting in the environment that cannot be is a ValueError.
        except (wandb.Error, OSError, ValueError) as error:
            said = " ".join(str(error).split()).rstrip(".")
            raise DataError(f"Weights & Biases: {said}; WANDB_MODE=offline keeps the run on this machine") from error

    def start(self, earlier: Sequence[Line]) -> None:
        """Log earlier epochs where none were."""
        for line in earlier if self.new else ():
            self.line(line)

    def line(self, line: Line) -> None:
        """Log the epoch's figures at its step."""
        self.run.log({"epoch": line["epoch"], **_figures(line)}, step=int(line["step"]))

    def close(self) -> None:
        """Wait until all is written, or sent."""
        self.run.finish()

    def _id(self) -> str:
        """The same for a run folder whenever it is opened, another for any other."""
        facts = self.folder.read_facts()
        return sha256(f"{self.folder.path.name} {facts.get('started')}".encode()).hexdigest()[:12]

    def _mode(self) -> Any:
        import wandb

        if mode := os.environ.get("WANDB_MODE"):
            return mode
        # Versions before 0.31 can only ask at the keyboard.
        with suppress(TypeError):
            return "online" if wandb.login(prompt=False, verify=False) else "offline"
        return "offline"


LOGS: dict[str, type[Log]] = {"csv": Csv, "tensorboard": TensorBoard, "wandb": WandB}


def check(names: Iterable[str]) -> None:
    """Raise UsageError for a log that does not exist, or whose library is not installed."""
    for name in names:
        if name not in LOGS:
            raise UsageError(f"--log: no '{name}'{nearest(name, LOGS)}")
        if (package := LOGS[name].package) and not _installed(package):
            raise UsageError(f"--log {name} needs {package}, which is not installed: pip install 'cnncli[{name}]'")


def _installed(package: str) -> bool:
    # A folder of that name beside us, as W&B itself makes, is found too, but without an origin.
    spec = find_spec(package)
    return spec is not None and spec.origin is not None


@contextmanager
def opened(names: Iterable[str], folder: RunFolder, config: Mapping[str, Any]) -> Iterator[Callable[[Line], None]]:
    """Log each line given to what is yielded, in every place named; `config` is the recipe as a table.

    Raises what `check` does. Places start with the first line: only then has a resumed training dropped the lines of
    metrics.jsonl that it will write again.
    """
    names = tuple(dict.fromkeys(names))
    check(names)
    with ExitStack() as places:
        logs: list[Log] = []
        for name in names:
            logs.append(LOGS[name](folder, config))
            places.callback(logs[-1].close)
        started = False

        def log(line: Line) -> None:
            nonlocal started
            if logs and not started:
                earlier = [one for one in folder.metrics() if one["epoch"] < line["epoch"]]
                for one in logs:
                    one.start(earlier)
            started = True
            for one in logs:
                one.line(line)

        yield log


def _cell(value: Any) -> Any:
    return "" if isinstance(value, float) and not isfinite(value) else value


def _figures(line: Line) -> dict[str, float]:
    """The finite numbers of a line, by the name they are logged under."""
    given = {NAMES.get(key, key): value for key, value in line.items() if key not in ("epoch", "step")}
    return {name: value for name, value in given.items() if isinstance(value, int | float) and isfinite(value)}


@contextmanager
def _on_disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
