from itertools import count

import pytest

from cnncli.console import loading
from cnncli.console.loading import Loading


@pytest.fixture
def clock(monkeypatch):
    """A second goes by between two looks at the clock."""
    ticks = count()
    monkeypatch.setattr(loading.time, "monotonic", lambda: float(next(ticks)))


def test_what_is_quick_is_not_said(capsys):
    with Loading() as report:
        for done in range(10):
            report(f"check {done}", done, 10)
            report("read", done, 10)
    assert capsys.readouterr().err == ""


def test_what_takes_long_is_said_once(capsys, clock):
    with Loading() as report:
        for done in range(10):
            report("download mnist", done, 10)
    assert capsys.readouterr().err == "download mnist\n"


@pytest.mark.parametrize(
    ("done", "total", "said"), [(3, 10, "3/10"), (5_000, 2_000_000, "5.0 kB of 2.0 MB"), (5_000, 0, "5.0 kB")]
)
def test_amounts_are_items_or_bytes(done, total, said):
    bar = loading.Progress(loading._Amount())
    bar.add_task("read", completed=done, total=total or None)
    assert loading._Amount().render(bar.tasks[0]).plain == said
