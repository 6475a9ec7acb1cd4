"""The calculator's answer as a few lines and as a document."""

from typing import Any

from cnncli.console.sizing import pixels
from cnncli.sizing.calculator import Answer, Axis
from cnncli.sizing.size import show


def lines(answer: Answer) -> list[str]:
    """The formula with its numbers, the verdict, and what would fit where something does not."""
    square = answer.rows.formula == answer.columns.formula
    axes = [answer.rows] if square else [answer.rows, answer.columns]
    said = [axis.formula if square else f"{axis.name}: {axis.formula}" for axis in axes]
    if answer.fits:
        said.append(f"output {show(answer.out)}")
    for axis in axes:
        said += _remedy(axis, square)
    if answer.params is not None and answer.macs is not None and answer.filters is not None:
        tall, wide, channels = answer.rows.window, answer.columns.window, answer.input[2]
        said.append(f"({tall}*{wide}*{channels} + 1) * {answer.filters} = {answer.params:,} parameters")
        if answer.fits:
            said.append(f"{answer.macs:,} MACs")
    return said


def _remedy(axis: Axis, square: bool) -> list[str]:
    remedy = axis.remedy
    if remedy is None:
        return []
    where = "" if square else f" ({axis.name})"
    inputs = f"input {remedy.larger}" if remedy.smaller is None else f"input {remedy.smaller} or {remedy.larger}"
    able = [inputs]
    if remedy.padding is not None:
        before, after = remedy.padding
        able.append(f"padding {before}" if before == after else f"padding {before} before and {after} after")
    able.append(f"stride {remedy.stride}")
    return [f"does not fit{where}: {pixels(axis.fit.dropped)} dropped; what fits: {', or '.join(able)}"]


def document(answer: Answer) -> dict[str, Any]:
    """`cnncli.calculator/1`."""
    return {
        "schema": "cnncli.calculator/1",
        "input": list(answer.input),
        "output": list(answer.out),
        "fits": answer.fits,
        "params": answer.params,
        "macs": answer.macs,
        "axes": [_axis(axis) for axis in (answer.rows, answer.columns)],
    }


def _axis(axis: Axis) -> dict[str, Any]:
    remedy = axis.remedy
    return {
        "name": axis.name,
        "formula": axis.formula,
        "exact": float(axis.fit.exact),
        "out": axis.fit.out,
        "dropped": axis.fit.dropped,
        "fits": axis.fits,
        "remedy": None
        if remedy is None
        else {
            "smaller_input": remedy.smaller,
            "larger_input": remedy.larger,
            "padding": list(remedy.padding) if remedy.padding else None,
            "stride": remedy.stride,
        },
    }
