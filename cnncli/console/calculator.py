"""The calculator's answer as a few lines and as a document."""

from typing import Any

from rich.text import Text

from cnncli.networks.checks import two
from cnncli.sizing.axis import Axis, sides
from cnncli.sizing.calculator import Answer
from cnncli.sizing.size import show


def lines(answer: Answer) -> list[Text]:
    """The padding where it was chosen, the formula with its numbers, the output, what would fit, and the costs."""
    square = answer.rows.formula == answer.columns.formula
    axes = [answer.rows] if square else [answer.rows, answer.columns]
    where = {axis.name: "" if square else f"{axis.name}: " for axis in axes}
    said = [where[axis.name] + _chosen(axis) for axis in axes if answer.question.padding is None]
    said += [where[axis.name] + axis.formula for axis in axes]
    said.append(f"output {show(answer.out)}")
    warnings = [line for axis in axes if not axis.fits for line in _misfit(axis, where[axis.name])]
    return [*map(Text, said), *(Text(line, style="yellow") for line in warnings), *map(Text, _costs(answer))]


def _chosen(axis: Axis) -> str:
    if axis.before != axis.after:
        return sides(axis.before, axis.after)
    return f"padding {axis.before} on each side" + f": ({axis.window} - 1)/2" * (axis.stride == 1)


def _misfit(axis: Axis, where: str) -> list[str]:
    return [f"{where}does not fit: {axis.misfit}", f"{where}{remedies(axis)}"]


def remedies(axis: Axis) -> str:
    """What would fit in place of what does not."""
    remedy = axis.remedy
    assert remedy
    able = [f"input {remedy.larger}" if remedy.smaller is None else f"input {remedy.smaller} or {remedy.larger}"]
    if remedy.padding is not None:
        able.append(sides(*remedy.padding))
    able.append(f"stride {remedy.stride}")
    return f"what fits: {', or '.join(able)}"


def _costs(answer: Answer) -> list[str]:
    question = answer.question
    if question.pool:
        return ["no parameters"]
    if answer.params is None or answer.macs is None:
        return []
    one = f"{answer.rows.window}*{answer.columns.window}*{question.channels}"
    return [
        f"({one} + 1) * {question.filters} = {answer.params:,} parameters",
        f"{answer.rows.fit.out}*{answer.columns.fit.out} * {one} * {question.filters} = {answer.macs:,} MACs",
    ]


def document(answer: Answer) -> dict[str, Any]:
    """`cnncli.calculator/1`."""
    question = answer.question
    return {
        "schema": "cnncli.calculator/1",
        "input": list(question.input),
        "window": list(two(question.window)),
        "stride": list(two(question.stride)),
        "padding": list(question.sides),
        "same": question.padding is None,
        "pool": question.pool,
        "ceil": question.ceil,
        "filters": question.filters,
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
        "added": axis.fit.added,
        "fits": axis.fits,
        "verdict": axis.verdict,
        "remedy": None
        if remedy is None
        else {
            "smaller_input": remedy.smaller,
            "larger_input": remedy.larger,
            "padding": list(remedy.padding) if remedy.padding else None,
            "stride": remedy.stride,
        },
    }
