"""Evaluations as tables and documents."""

import csv
import io
import json
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cnncli.evaluation.metrics import Evaluation


def tables(result: Evaluation, about: dict[str, Any], per_class: bool, confusion: bool) -> list[RenderableType]:
    """The figures, then what else was asked for."""
    shown: list[RenderableType] = [
        Text(f"{about['run']}  {about['checkpoint']} (step {about['step']}) on {about['dataset']} {about['split']}"),
        _figures(result),
    ]
    if per_class:
        shown += [Text(), _per_class(result)]
    if confusion:
        shown += [Text("\nrows: true class, columns: predicted"), _confusion(result)]
    return shown


def _plain(*headers: str) -> Table:
    body = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for place, header in enumerate(headers):
        body.add_column(header, justify="right" if place else "left", overflow="fold")
    return body


def _figures(result: Evaluation) -> Table:
    body = Table(box=None, pad_edge=False, show_edge=False, show_header=False)
    body.add_column()
    body.add_column(justify="right")
    body.add_row("images", f"{result.count:,}")
    body.add_row("loss", f"{result.loss:.4f}")
    body.add_row("accuracy", f"{result.accuracy:.2%}")
    if result.top5 is not None:
        body.add_row("top-5 accuracy", f"{result.top5:.2%}")
    body.add_row("errors", f"{result.count - result.correct:,}")
    return body


def _per_class(result: Evaluation) -> Table:
    body = _plain("class", "images", "correct", "recall", "precision")
    for one in result.per_class:
        body.add_row(one.name, f"{one.count:,}", f"{one.correct:,}", f"{one.recall:.2%}", f"{one.precision:.2%}")
    return body


def _confusion(result: Evaluation) -> Table:
    body = _plain("", *result.classes)
    for name, row in zip(result.classes, result.confusion, strict=True):
        body.add_row(Text(name, style="bold"), *(str(count) if count else "." for count in row))
    return body


def confusion_text(result: Evaluation, suffix: str) -> str:
    """The confusion matrix as the text of a .csv, .json or .txt file."""
    if suffix == ".json":
        return (
            json.dumps({"classes": list(result.classes), "confusion": [list(row) for row in result.confusion]}) + "\n"
        )
    if suffix == ".csv":
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["true \\ predicted", *result.classes])
        writer.writerows([name, *row] for name, row in zip(result.classes, result.confusion, strict=True))
        return file.getvalue()
    width = max(len(name) for name in (*result.classes, str(result.count)))
    lines = [["", *result.classes]]
    lines += [[name, *map(str, row)] for name, row in zip(result.classes, result.confusion, strict=True)]
    return "".join("  ".join(cell.rjust(width) for cell in line) + "\n" for line in lines)


def document(result: Evaluation, about: dict[str, Any]) -> dict[str, Any]:
    """`cnncli.eval/1`."""
    return {
        "schema": "cnncli.eval/1",
        **about,
        "accuracy": result.accuracy,
        "top5": result.top5,
        "loss": result.loss,
        "count": result.count,
        "correct": result.correct,
        "per_class": [
            {
                "class": one.name,
                "count": one.count,
                "correct": one.correct,
                "predicted": one.predicted,
                "recall": one.recall,
                "precision": one.precision,
            }
            for one in result.per_class
        ],
        "confusion": [list(row) for row in result.confusion],
    }
