"""The vocabulary: what a network is made of, as frozen values that compute nothing.

A network is a tuple of layers. Branches (concatenated), residuals (added) and named groups hold further tuples, so a
tree of values describes every network here; sizing, the Flax reader and TOML read it. Images are height x width x
channel. Padding is explicit numbers, never "same". Skips across the tree (U-Net) and attention are out of scope.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from cnncli.networks import checks
from cnncli.networks.checks import Checked, Padding, Pair, checked


@dataclass(frozen=True)
class Layer(Checked):
    """Any word of the vocabulary. Raises UsageError when a field holds what it cannot."""

    word: ClassVar[str]
    name: str = field(default="", kw_only=True, metadata={"check": checks.name})

    def label(self) -> str:
        """The word and, where it has one, the name."""
        return f"{self.word} '{self.name}': " if isinstance(self.name, str) and self.name else f"{self.word}: "


Layers = tuple[Layer, ...]


def chain(value: Any) -> Layers:
    """A tuple of layers, possibly empty."""
    if not isinstance(value, list | tuple) or not all(isinstance(layer, Layer) for layer in value):
        raise ValueError("a list of layers")
    return tuple(value)


def ways(value: Any) -> tuple[Layers, ...]:
    """At least one tuple of layers; an empty one passes its input through."""
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("a list of branches, each a list of layers")
    return tuple(chain(branch) for branch in value)


@dataclass(frozen=True)
class Conv(Layer):
    """A convolution (cross-correlation, as the field has it) of `features` feature maps, with a bias a map.

    `bias_start` is added to what the network's initialization gives biases.
    """

    word = "conv"
    features: int = checked(checks.whole(1))
    window: Pair = checked(checks.pair(1))
    stride: Pair = checked(checks.pair(1), 1)
    padding: Padding = checked(checks.padding, 0)
    groups: int = checked(checks.whole(1), 1)
    bias: bool = checked(checks.flag, True)
    bias_start: float = checked(checks.number(-checks.TOO_LARGE), 0.0)


@dataclass(frozen=True)
class PartialConv(Layer):
    """A convolution whose output maps each see only some input maps, by a connection table (LeCun 1998, Table I)."""

    word = "partial-conv"
    table: tuple[tuple[int, ...], ...] = checked(checks.table)
    window: Pair = checked(checks.pair(1))
    stride: Pair = checked(checks.pair(1), 1)
    padding: Padding = checked(checks.padding, 0)


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer over a flat input; `bias_start` as in a convolution."""

    word = "dense"
    features: int = checked(checks.whole(1))
    bias: bool = checked(checks.flag, True)
    bias_start: float = checked(checks.number(-checks.TOO_LARGE), 0.0)


@dataclass(frozen=True)
class Pool(Layer):
    """The maximum, average, L1 norm (sum of magnitudes) or L2 norm of each window of each map.

    `ceil` rounds the output size up, where a window that would start beyond the input and its padding is left out. An
    average leaves padding out of its count unless `count_padding`.
    """

    word = "pool"
    kind: str = checked(checks.one_of("max", "average", "l1", "l2"))
    window: Pair = checked(checks.pair(1))
    stride: Pair = checked(checks.pair(1))
    padding: Padding = checked(checks.padding, 0)
    ceil: bool = checked(checks.flag, False)
    count_padding: bool = checked(checks.flag, False)


@dataclass(frozen=True)
class AdaptivePool(Layer):
    """Average pooling to a given size, whatever the input's, with PyTorch's window boundaries."""

    word = "adaptive-pool"
    size: Pair = checked(checks.pair(1))


@dataclass(frozen=True)
class GlobalPool(Layer):
    """Global average pooling: the mean of each map, flat (Lin et al. 2014)."""

    word = "global-pool"


@dataclass(frozen=True)
class Subsample(Layer):
    """Trainable subsampling: the window's sum times a coefficient plus a bias, one of each a map (LeCun 1998, II.B)."""

    word = "subsample"
    window: Pair = checked(checks.pair(1))
    stride: Pair = checked(checks.pair(1))


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalization (Ioffe and Szegedy 2015); `momentum` is the share of the running statistics kept a step."""

    word = "batch-norm"
    momentum: float = checked(checks.number(0, 1), 0.9)
    epsilon: float = checked(checks.number(0), 1e-5)


@dataclass(frozen=True)
class LocalResponseNorm(Layer):
    """x / (k + alpha * sum of squares over `size` neighbouring maps)^beta (Krizhevsky et al. 2012, 3.3)."""

    word = "local-response-norm"
    size: int = checked(checks.whole(1), 5)
    k: float = checked(checks.number(0), 2.0)
    alpha: float = checked(checks.number(0), 1e-4)
    beta: float = checked(checks.number(0), 0.75)


@dataclass(frozen=True)
class Activation(Layer):
    """A nonlinearity at each unit; `scaled-tanh` is 1.7159 tanh(2x/3) (LeCun 1998, appendix A)."""

    word = "activation"
    kind: str = checked(
        checks.one_of("relu", "leaky-relu", "elu", "gelu", "silu", "sigmoid", "tanh", "scaled-tanh"),
    )


@dataclass(frozen=True)
class Dropout(Layer):
    """Each unit is dropped with probability `drop` in training, and the kept ones are scaled by 1/(1 - drop)."""

    word = "dropout"
    drop: float = checked(checks.number(0, 1))


@dataclass(frozen=True)
class Flatten(Layer):
    """Maps to one vector, in the order height, width, channel."""

    word = "flatten"


@dataclass(frozen=True)
class RadialBasis(Layer):
    """The Euclidean radial-basis output of LeNet5: for each class minus the squared distance to its fixed code.

    Codes are bitmaps of plus and minus one (LeCun 1998, II.B, figure 3), written as `#` and `.`. The minus sign makes
    the nearest class the largest logit.
    """

    word = "radial-basis"
    codes: tuple[str, ...] = checked(checks.bitmaps)

    @property
    def vectors(self) -> tuple[tuple[float, ...], ...]:
        """One vector of +1 and -1 a class."""
        return tuple(tuple(1.0 if dot == "#" else -1.0 for dot in code if dot != " ") for code in self.codes)


@dataclass(frozen=True)
class Group(Layer):
    """Layers under a name of their own: `inception4a`."""

    word = "group"
    layers: Layers = checked(chain)


@dataclass(frozen=True)
class Branches(Layer):
    """Several ways through, their outputs concatenated along the channels (Szegedy et al. 2015)."""

    word = "branches"
    branches: tuple[Layers, ...] = checked(ways)


@dataclass(frozen=True)
class Residual(Layer):
    """The body's output plus the shortcut's; an empty shortcut is the identity (He et al. 2016)."""

    word = "residual"
    body: Layers = checked(chain)
    shortcut: Layers = checked(chain, ())


@dataclass(frozen=True)
class PadShortcut(Layer):
    """A shortcut without parameters: every `stride`-th pixel, new channels of zeros at the end (He et al. 2016, A)."""

    word = "pad-shortcut"
    features: int = checked(checks.whole(1))
    stride: Pair = checked(checks.pair(1), 1)


@dataclass(frozen=True)
class AuxiliaryHead(Layer):
    """A second classifier on the way, its loss weighted by `weight`; used in training only (Szegedy et al. 2015)."""

    word = "auxiliary-head"
    layers: Layers = checked(chain)
    weight: float = checked(checks.number(0), 0.3)


WORDS: dict[str, type[Layer]] = {
    kind.word: kind
    for kind in (
        *(Conv, PartialConv, Dense, Pool, AdaptivePool, GlobalPool, Subsample, BatchNorm, LocalResponseNorm),
        *(Activation, Dropout, Flatten, RadialBasis, Group, Branches, Residual, PadShortcut, AuxiliaryHead),
    )
}
