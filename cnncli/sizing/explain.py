"""Where each figure of a row comes from: its formula with the row's numbers put in."""

from dataclasses import dataclass
from math import prod

from cnncli.sizing.axis import Axis, axes
from cnncli.sizing.geometry import Field
from cnncli.sizing.report import Row, Shape
from cnncli.sizing.workload import Workload


@dataclass(frozen=True)
class Step:
    """One figure: which it is, its formula, `(11*11*3 + 1) * 96 = 34,944`, and what is to be said about it.

    Left and right of the formula's `=` are arithmetic.
    """

    what: str
    formula: str
    note: str = ""


def explain(row: Row, load: Workload) -> tuple[Step, ...]:
    """The formulas of a row, in the order of its columns.

    None for what only changes values in place, nor for a folded group, whose figures are sums of its layers' own.
    """
    if row.word == "group":
        return ()
    steps = [
        *_output(row),
        *(Step("parameters", formula) for formula in _params(row)),
        *([Step("statistics", f"2 * {row.stats // 2} = {row.stats:,}")] if row.stats else []),
        *([Step("MACs", f"{_macs(row)} = {row.macs:,}")] if row.macs else []),
        *_fields(row),
    ]
    if row.activations:
        total = row.activations * load.images * load.bytes
        steps.append(Step("memory", f"{_product(row.output, load.images, load.bytes)} = {total:,} bytes"))
    return tuple(steps)


def _product(shape: Shape, *more: int) -> str:
    """`55*55*96`; factors of 1 besides the shape's own are left out."""
    return "*".join(str(part) for part in (*shape, *(factor for factor in more if factor > 1)))


def _output(row: Row) -> list[Step]:
    if row.windows:
        both: tuple[Axis, ...] = axes(row.input, row.windows)
        if both[0].formula == both[1].formula:
            both = both[:1]
        names = ("output",) if len(both) == 1 else ("output height", "output width")
        notes = ("" if axis.fits else axis.verdict for axis in both)
        return [Step(name, axis.formula, note) for name, axis, note in zip(names, both, notes, strict=True)]
    if row.word == "flatten":
        return [Step("output", f"{_product(row.input)} = {row.output[0]:,}")]
    if row.kind == "concat":
        return [Step("output", f"{' + '.join(str(part[-1]) for part in row.parts)} = {row.output[-1]}")]
    return []


def _params(row: Row) -> list[str]:
    if not row.params:
        return []
    total = f"{row.params:,}"
    match row.word:
        case "conv" | "dense":
            each = f"({_fan_in(row)} + 1)" if row.biases else _fan_in(row)
            return [f"{each} * {row.output[-1]} = {total}"]
        case "partial-conv":
            return [f"{_links(row)} + {row.biases} = {total}"]
        case _:
            return [f"2 * {row.biases} = {total}"]


def _fan_in(row: Row) -> str:
    """How many inputs each unit has."""
    if row.windows is None:
        return str(row.input[-1])
    groups = f"/{row.groups}" if row.groups > 1 else ""
    return f"{_product(row.windows.window)}*{row.input[-1]}{groups}"


def _links(row: Row) -> str:
    """The weights of a partial convolution: its links, each a window."""
    assert row.windows
    window = row.windows.window
    return f"{(row.params - row.biases) // prod(window)}*{_product(window)}"


def _macs(row: Row) -> str:
    positions = "".join(f"{part}*" for part in row.output[:-1])
    weights = _links(row) if row.word == "partial-conv" else f"{_fan_in(row)}*{row.output[-1]}"
    return positions + weights


def _fields(row: Row) -> list[Step]:
    if not (row.windows and row.field):
        return []
    windows = row.windows
    rows, columns = (_field(*axis) for axis in zip(row.field, windows.window, windows.stride, strict=True))
    if rows == columns:
        return [Step(what, formula) for what, formula in rows]
    sides = (("height", rows), ("width", columns))
    return [Step(f"{what} {side}", formula) for side, both in sides for what, formula in both]


def _field(field: Field, window: int, stride: int) -> tuple[tuple[str, str], tuple[str, str]]:
    """What a layer of windows makes of the field before it, which its own field tells."""
    jump = field.jump // stride
    before = field.size - (window - 1) * jump
    return (
        ("receptive field", f"{before} + ({window} - 1)*{jump} = {field.size}"),
        ("jump", f"{jump}*{stride} = {field.jump}"),
    )
