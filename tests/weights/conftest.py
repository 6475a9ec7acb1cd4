"""A trap for whatever runs what it should only read."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def sentinel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module that leaves a file when it is imported, and whose function leaves another; neither may be there."""
    module = "from pathlib import Path\nHERE = Path(__file__).parent\n(HERE / 'imported').touch()\n"
    (tmp_path / "sentinel.py").write_text(f"{module}def run(*_):\n    (HERE / 'ran').touch()\n    return {{}}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("sentinel", None)
