"""The command line as a function of its words, in this process and in one of its own, and one small training."""

import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest

from cnncli.commands.app import run


@dataclass(frozen=True)
class Answer:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests' processes keep what they compile."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def environment(cache: Path) -> Iterator[None]:
    """Commands set variables for JAX; the next test has its own, and nobody's cache is written to."""
    before = dict(os.environ)
    os.environ.pop("COLUMNS", None)
    os.environ["XDG_CACHE_HOME"] = str(cache)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Run a command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> Answer:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    return call


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "cnncli", *map(str, words)]


def process(*words: object, **how: Any) -> Answer:
    """Run a command line in a process of its own."""
    done = subprocess.run(command(*words), capture_output=True, text=True, timeout=100, **how)
    return Answer(done.returncode, done.stdout, done.stderr)


def at_terminal(columns: int, *words: object, **variables: str) -> Answer:
    """Run a command line at a terminal so many columns wide; all it shows is in `out`."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    started = subprocess.Popen(
        command(*words), stdin=theirs, stdout=theirs, stderr=theirs, env={**kept, "TERM": "xterm", **variables}
    )
    os.close(theirs)
    hung = threading.Timer(60, started.kill)
    hung.start()
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # EIO: the other end is closed
        pass
    hung.cancel()
    os.close(ours)
    return Answer(started.wait(60), shown.decode().replace("\r\n", "\n"), "")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The run folder of two epochs on digits; not to be changed."""
    out = tmp_path_factory.mktemp("trained") / "mlp"
    words = ("--dataset", "digits", "--epochs", 2, "--out", out, "--device", "cpu")
    answer = process("train", "mlp", *words, env={**os.environ, "XDG_CACHE_HOME": str(cache)})
    assert (answer.code, answer.out) == (0, f"{out}\n"), answer.err
    return out


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained run, to be changed."""
    return Path(shutil.copytree(trained, tmp_path / "copy"))
