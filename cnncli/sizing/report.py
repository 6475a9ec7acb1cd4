"""What sizing says of a network: a row a layer, and totals that are the sums of the rows."""

from dataclasses import dataclass

from cnncli.networks.network import Network
from cnncli.sizing.geometry import Field, Fit

Shape = tuple[int, ...]

CONVENTION = (
    "MAC: one multiply-add of a convolution or dense layer, forward, per image; bias, normalization, activation and "
    "pooling are not counted. FLOP = 2 x MAC. Parameters are trained values; statistics are BatchNorm's running mean "
    "and variance."
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
    `held` are values that wait elsewhere while it is computed: what a shortcut or other branches need.
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
    field: tuple[Field, Field] | None = None
    head: bool = False


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
        main = [row for row in self.rows if not row.head]
        return Totals(
            sum(row.params for row in main),
            sum(row.stats for row in main),
            sum(row.macs for row in main),
            sum(row.connections for row in main),
            sum(row.params for row in self.rows),
            sum(row.stats for row in self.rows),
        )

    @property
    def has_heads(self) -> bool:
        """Whether there are auxiliary heads."""
        return any(row.head for row in self.rows)
