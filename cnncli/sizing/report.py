"""What sizing says of a network: a row a layer, and totals that are the sums of the rows."""

from dataclasses import dataclass

from cnncli.networks.network import Network
from cnncli.sizing.geometry import Field, Fit

Shape = tuple[int, ...]

CONVENTION = (
    "MAC: one multiply-add of a convolution or dense layer, forward, per image; bias, normalization, activation and "
    "pooling are not counted. FLOP = 2 x MAC. Parameters are trained values; statistics are BatchNorm's running mean "
    "and variance. RF: receptive field in input pixels; jump: distance of two neighbours. Memory: the input and what "
    "convolution, pooling (not global) and dense layers give, forward."
)


@dataclass(frozen=True)
class Windows:
    """The windows of a layer, each value as (height, width), padding as (top, bottom, left, right)."""

    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    rows: Fit
    columns: Fit

    @property
    def fits(self) -> bool:
        """Whether the windows cover the input exactly."""
        return not (self.rows.dropped or self.rows.added or self.columns.dropped or self.columns.added)


@dataclass(frozen=True)
class Row:
    """One layer as sizing sees it, or the place where branches are concatenated or a residual is added.

    Shapes are (height, width, channel) or (features,). `biases` are the parameters that are no weights. `connections`
    counts each multiply and each bias once, as LeCun 1998 does. `field` is the receptive field along height and width,
    None where a unit sees everything: after adaptive or global pooling, or when the image has become a vector.
    `activations` are the values of its output where they are a new array: of convolutions, pooling and dense layers.
    `held` are values that wait elsewhere while it is computed: what a shortcut or other branches need. `parts` are the
    shapes that meet in a concatenation or a sum, `inside` the rows that a folded one stands for.
    """

    path: str
    word: str
    kind: str
    input: Shape
    output: Shape
    windows: Windows | None = None
    groups: int = 1
    params: int = 0
    biases: int = 0
    stats: int = 0
    macs: int = 0
    connections: int = 0
    activations: int = 0
    held: int = 0
    parts: tuple[Shape, ...] = ()
    inside: tuple["Row", ...] = ()
    field: tuple[Field, Field] | None = None
    head: bool = False


def fold(rows: tuple[Row, ...], depth: int) -> tuple[Row, ...]:
    """Rows of at most `depth` names in their paths: what lies deeper is one row, with the sums of its columns.

    Auxiliary heads inside a group are a row of their own behind it.
    """
    together: dict[tuple[str, bool], list[Row]] = {}
    for row in rows:
        together.setdefault(("/".join(row.path.split("/")[:depth]), row.head), []).append(row)
    return tuple(_together(path, inside) for (path, _), inside in together.items())


def _together(path: str, rows: list[Row]) -> Row:
    first, last = rows[0], rows[-1]
    if len(rows) == 1 and last.path == path:
        return last
    return Row(
        path,
        "group",
        "",
        first.input,
        last.output,
        params=sum(row.params for row in rows),
        biases=sum(row.biases for row in rows),
        stats=sum(row.stats for row in rows),
        macs=sum(row.macs for row in rows),
        connections=sum(row.connections for row in rows),
        activations=sum(row.activations for row in rows),
        held=max(row.held for row in rows),
        inside=tuple(rows),
        field=last.field,
        head=first.head,
    )


@dataclass(frozen=True)
class Totals:
    """Sums over rows: trained values, BatchNorm statistics and multiply-adds of the main path, and all with heads."""

    params: int
    stats: int
    macs: int
    connections: int
    params_with_heads: int
    stats_with_heads: int


@dataclass(frozen=True)
class Report:
    """A network's rows in the order of its layers, and what the main path ends in.

    `output` is the shape of its output; `field` the receptive field, along height and width, of one unit of its last
    image on the longest path, None where no layer has windows; `weight_layers` the number of convolutional, dense and
    radial-basis layers on the longest path, which is what ResNet50 counts.
    """

    network: Network
    rows: tuple[Row, ...]
    output: Shape
    weight_layers: int
    field: tuple[Field, Field] | None

    @property
    def totals(self) -> Totals:
        """The sums of the rows; multiply-adds and connections are the main path's."""
        return Totals(
            sum(row.params for row in self.main),
            sum(row.stats for row in self.main),
            sum(row.macs for row in self.main),
            sum(row.connections for row in self.main),
            sum(row.params for row in self.rows),
            sum(row.stats for row in self.rows),
        )

    @property
    def main(self) -> tuple[Row, ...]:
        """The rows of the main path, without auxiliary heads."""
        return tuple(row for row in self.rows if not row.head)

    @property
    def unfit(self) -> tuple[Row, ...]:
        """The rows whose windows do not cover their input exactly."""
        return tuple(row for row in self.rows if row.windows and not row.windows.fits)

    @property
    def has_heads(self) -> bool:
        """Whether there are auxiliary heads."""
        return any(row.head for row in self.rows)
