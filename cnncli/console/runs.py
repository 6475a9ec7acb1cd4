"""Runs beside each other: a row a run."""

from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.table import Table


@dataclass(frozen=True)
class Entry:
    """A run: its folder, what run.json says of it, the epochs of its recipe and the parameters of its network."""

    path: str
    facts: dict[str, Any]
    epochs: int
    params: int

    @property
    def reached(self) -> int:
        """The epochs it has trained so far."""
        return int((self.facts.get("last") or {}).get("epoch", 0))

    @property
    def progress(self) -> str:
        """How far it has come; weights from a file were not trained here."""
        if self.facts["status"] == "imported":
            return ""
        return str(self.epochs) if self.reached == self.epochs else f"{self.reached}/{self.epochs}"


HEADERS = (
    *("run", "network", "dataset", "params", "epochs", "best", "validation", "training", "test", "seconds"),
    *("device", "seed", "status"),
)
# Below these stands a number, one word, which is never broken.
NUMBERS = {"params", "epochs", "validation", "training", "test", "seconds", "seed"}


def table(entries: list[Entry]) -> RenderableType:
    """What was trained, on what, how far, how well, where."""
    body = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for header in HEADERS:
        number = header in NUMBERS
        body.add_column(header, justify="right" if number else "left", overflow="fold", no_wrap=number)
    for one in entries:
        facts, best, last = one.facts, one.facts.get("best") or {}, one.facts.get("last") or {}
        body.add_row(
            *(one.path, facts["network"], facts["dataset"], f"{one.params:,}"),
            one.progress,
            f"epoch {best['epoch']}" if best else "",
            f"{best['val_accuracy']:.2%}" if best else "",
            f"{last['train_accuracy']:.2%}" if last else "",
            f"{facts['test']['accuracy']:.2%}" if facts.get("test") else "",
            f"{facts['train_seconds']:,.1f}" if facts.get("train_seconds") is not None else "",
            *(device(facts), str(facts.get("seed", "")), facts["status"]),
        )
    return body


def device(facts: dict[str, Any]) -> str:
    """Where a run was trained: `1 x cpu (AMD EPYC)`."""
    found = facts["device"]
    return f"{found['count']} x {found['platform']} ({found['kind']})"


def document(entries: list[Entry]) -> dict[str, Any]:
    """`cnncli.runs/1`."""
    return {"schema": "cnncli.runs/1", "runs": [_run(one) for one in entries]}


def _run(one: Entry) -> dict[str, Any]:
    facts = one.facts
    kept = ("network", "dataset", "status", "seed", "started", "finished", "train_seconds", "compile_seconds")
    return {
        "run": one.path,
        **{key: facts.get(key) for key in kept},
        "params": one.params,
        "epochs": one.epochs,
        "best": facts.get("best"),
        "last": facts.get("last"),
        "test": facts.get("test"),
        "device": facts["device"],
    }
