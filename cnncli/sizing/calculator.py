"""The bare calculator: how the windows of one convolution or pooling fit an input, and what they cost."""

from dataclasses import dataclass
from typing import Any

from cnncli.errors import UsageError
from cnncli.networks import checks
from cnncli.networks.checks import Checked, Padding, Pair, checked, four_sides, two
from cnncli.sizing.axis import Axis, sides
from cnncli.sizing.geometry import TooSmall, fit
from cnncli.sizing.report import Shape


def _input(value: Any) -> Shape:
    try:
        sizes = tuple(checks.whole(1)(part) for part in value)
    except (TypeError, ValueError):
        sizes = ()
    if len(sizes) not in (1, 2, 3):
        raise ValueError("a size, height and width, or height, width and channels, each at least 1")
    return sizes * 2 if len(sizes) == 1 else sizes


def _padding(value: Any) -> Padding | None:
    return None if value is None else checks.padding(value)


def _filters(value: Any) -> int | None:
    return None if value is None else int(checks.whole(1)(value))


@dataclass(frozen=True)
class Question(Checked):
    """Windows over an input of (size,), (height, width) or (height, width, channel), in pixels.

    `padding` None asks for the one at which the output is ceil(W/S); `filters` is their number, None for windows
    alone. A `pool` has no parameters and keeps the channels. Raises UsageError for values that cannot be.
    """

    input: Shape = checked(_input)
    window: Pair = checked(checks.pair(1))
    stride: Pair = checked(checks.pair(1), 1)
    padding: Padding | None = checked(_padding, 0)
    filters: int | None = checked(_filters, None)
    pool: bool = checked(checks.flag, False)
    ceil: bool = checked(checks.flag, False)

    @property
    def channels(self) -> int | None:
        """The input's channels, where they are given."""
        return self.input[2] if len(self.input) == 3 else None

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """The padding given or chosen: top, bottom, left, right."""
        if self.padding is not None:
            return four_sides(self.padding)
        (tall, wide), (down, along) = two(self.window), two(self.stride)
        return (*same(self.input[0], tall, down), *same(self.input[1], wide, along))


def same(size: int, window: int, stride: int) -> tuple[int, int]:
    """The padding before and after at which the output is ceil(W/S), as Keras chooses it: an odd pixel at the end.

    At stride 1 and with an odd window it is (F - 1)/2 on each side.
    """
    out = -(-size // stride)
    total = max((out - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


@dataclass(frozen=True)
class Answer:
    """How the windows fit, along height and width, and what the layer costs."""

    question: Question
    rows: Axis
    columns: Axis

    @property
    def fits(self) -> bool:
        """Whether both sizes are whole."""
        return self.rows.fits and self.columns.fits

    @property
    def out(self) -> Shape:
        """The output, rounded: height, width, and its channels where they are known."""
        size = (self.rows.fit.out, self.columns.fit.out)
        channels = self.question.channels if self.question.pool else self.question.filters
        return size if channels is None else (*size, channels)

    @property
    def weights(self) -> int | None:
        """All filters' weights without their biases, 0 for pooling; None where channels or filters are not known."""
        channels, filters = self.question.channels, self.question.filters
        if self.question.pool:
            return 0
        return (
            None if channels is None or filters is None else self.rows.window * self.columns.window * channels * filters
        )

    @property
    def params(self) -> int | None:
        """Weights, and a bias a filter; None where they are not known."""
        return None if self.weights is None else self.weights + (self.question.filters or 0)

    @property
    def macs(self) -> int | None:
        """Multiply-adds: each weight once at each output position; None where they are not known."""
        return None if self.weights is None else self.weights * self.rows.fit.out * self.columns.fit.out


def calculate(question: Question) -> Answer:
    """Lay windows over an input.

    Raises TooSmall for a window larger than its padded input, and UsageError for pooling windows that would see nothing
    but padding, whose maximum is minus infinity.
    """
    (height, width), (tall, wide), (down, along) = question.input[:2], two(question.window), two(question.stride)
    top, bottom, left, right = question.sides
    if question.pool and (max(top, bottom) >= tall or max(left, right) >= wide):
        raise UsageError(
            f"padding is {question.padding}; a pooling window of {tall}x{wide} would see nothing but padding; "
            "expected less padding than window"
        )
    rows = _axis("height", height, tall, down, top, bottom, question.ceil)
    return Answer(question, rows, _axis("width", width, wide, along, left, right, question.ceil))


def _axis(name: str, size: int, window: int, stride: int, before: int, after: int, ceil: bool) -> Axis:
    try:
        return Axis(name, size, window, stride, before, after, fit(size, window, stride, before, after, ceil))
    except TooSmall as error:
        lacking = window - size
        enough = f"an input of {window - before - after} or {sides(lacking // 2, lacking - lacking // 2)}"
        raise TooSmall(f"{name}: impossible: {error}; {enough} would be enough") from None
