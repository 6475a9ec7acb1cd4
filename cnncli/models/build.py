"""From a network's values to a Flax NNX module whose parameters are named by the layers' paths."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from cnncli.errors import Bug
from cnncli.models.convolution import PartialConv, convolution_for
from cnncli.models.initializers import INITIALIZERS, ONES, ZEROS, Initializer, Keys, raised
from cnncli.models.pooling import Subsample, adaptive_pool, pool
from cnncli.models.rules import RELUS, switched_max_pool
from cnncli.networks import layers as words
from cnncli.networks.checks import two
from cnncli.networks.layers import AuxiliaryHead, Branches, Group, Layer, Layers, Residual
from cnncli.networks.network import Joins, Network, children
from cnncli.sizing.report import Row
from cnncli.sizing.size import size

# Sees every activation by the path that sizing gives it, and may put another in its place.
Tap = Callable[[str, jax.Array], jax.Array]

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "leaky-relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    # x times the normal distribution at x, as Keras and PyTorch have it; JAX's default approximates it.
    "gelu": partial(jax.nn.gelu, approximate=False),
    "silu": jax.nn.silu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "scaled-tanh": lambda x: 1.7159 * jnp.tanh(2 / 3 * x),
}


@dataclass(frozen=True)
class Output:
    """What a forward pass gives: logits (batch, class), and each auxiliary head's weight and logits, in training."""

    logits: jax.Array
    heads: tuple[tuple[float, jax.Array], ...] = ()


class Scope(nnx.Module):
    """The modules under one path, each an attribute called by its layer's name."""


class Net(nnx.Module):
    """A network that runs: called with images (batch, height, width, channel), it gives `Output`.

    As built it trains, but for the layers whose paths are `frozen`; `nnx.view(net, deterministic=True,
    use_running_average=True)` evaluates. A rule of `RULES` says how signals go back.
    """

    def __init__(
        self,
        network: Network,
        *,
        dtype: Any = jnp.float32,
        platform: str = "cpu",
        rule: str | None = None,
        frozen: frozenset[str] = frozenset(),
        rngs: nnx.Rngs | Keys,
    ) -> None:
        self.network, self.deterministic = network, False
        rows = {row.path: row for row in size(network).rows}
        maker = _Maker(network.init, dtype, platform, rule, frozen, rngs)
        self.scope = maker.scope(network.named(), "", rows)

    def __call__(self, x_BxHxWxC: jax.Array, *, rngs: nnx.Rngs | None = None, tap: Tap | None = None) -> Output:
        """Run the network; `rngs` is needed for dropout in training, `tap` sees every activation by its path."""
        heads: list[tuple[float, jax.Array]] = []
        tap, joins = tap or (lambda path, x: x), Joins(self.network.layers)
        going = _Pass(rngs, tap, joins, None if self.deterministic else heads)
        logits = going.chain(self.network.named(), self.scope, "", x_BxHxWxC)
        return Output(logits, tuple(heads))

    def set_view(self, deterministic: bool | None = None) -> None:
        """Obey nnx.view: without auxiliary heads where deterministic."""
        self.deterministic = self.deterministic if deterministic is None else deterministic


@dataclass(frozen=True)
class _Pass:
    """One forward pass; `heads` collects auxiliary logits, or is None where they are not used."""

    rngs: nnx.Rngs | None
    tap: Tap
    joins: Joins
    heads: list[tuple[float, jax.Array]] | None

    def chain(self, layers: Layers, scope: Scope, path: str, x: jax.Array) -> jax.Array:
        for layer in layers:
            with jax.named_scope(layer.name or layer.word):
                x = self.layer(layer, scope, path, x)
        return x

    def layer(self, layer: Layer, scope: Scope, path: str, x: jax.Array) -> jax.Array:
        here = path + layer.name
        inner, inside = (getattr(scope, layer.name), f"{here}/") if layer.name else (scope, path)
        match layer:
            case Group():
                y = self.chain(layer.layers, inner, inside, x)
            case Branches():
                y = jnp.concatenate([self.chain(branch, inner, inside, x) for branch in layer.branches], axis=-1)
            case Residual():
                y = self.chain(layer.body, inner, inside, x) + self.chain(layer.shortcut, inner, inside, x)
            case AuxiliaryHead():
                if self.heads is not None:
                    self.heads.append((layer.weight, self.chain(layer.layers, inner, inside, x)))
                return x
            case words.Dropout():
                y = inner(x, rngs=self.rngs)
            case _:
                y = inner(x)
        if isinstance(layer, Branches | Residual):
            return self.tap(self.joins.path(layer, path), y)
        return self.tap(here, y) if layer.name else y


@dataclass(frozen=True)
class _Maker:
    """Makes the modules of a network's layers."""

    init: str
    dtype: Any
    platform: str
    rule: str | None
    frozen: frozenset[str]
    rngs: nnx.Rngs | Keys

    def scope(self, layers: Layers, path: str, rows: dict[str, Row], scope: Scope | None = None) -> Scope:
        """The modules of a chain; layers of branches and residuals without a name belong to the scope around them."""
        scope = Scope() if scope is None else scope
        for layer in layers:
            inside = f"{path}{layer.name}/" if layer.name else path
            if not (ways := children(layer)):
                setattr(scope, layer.name, self.module(layer, rows[path + layer.name]))
                continue
            inner = Scope() if layer.name else scope
            for way in ways:
                self.scope(way, inside, rows, inner)
            if layer.name:
                setattr(scope, layer.name, inner)
        return scope

    def module(self, layer: Layer, row: Row) -> nnx.Module:
        """The module of one layer, whose shapes are its row's; its arrays say how they start."""
        start = INITIALIZERS[self.init].of(layer.word, row.path)
        common: dict[str, Any] = {"dtype": self.dtype, "rngs": self.rngs}
        channels = row.input[-1]
        match layer:
            case words.Conv():
                return self._conv(layer, row, common)
            case words.PartialConv():
                assert row.windows
                windows, starts = (row.windows.window, row.windows.stride, _sides(row)), (start.weight, start.bias)
                links = PartialConv(layer.table, *windows, channels, convolution_for(self.platform), *starts, **common)
                return _noted(links, kernel=start.weight, bias=start.bias(1))
            case words.Dense():
                bias = raised(start.bias(channels), layer.bias_start)
                inits: dict[str, Any] = {"kernel_init": start.weight, "bias_init": bias}
                dense = nnx.Linear(channels, layer.features, use_bias=layer.bias, **inits, **common)
                return _noted(dense, kernel=start.weight, bias=bias)
            case words.Subsample():
                assert row.windows
                subsample = Subsample(row.windows, channels, start.weight, start.bias, **common)
                return _noted(subsample, scale=start.weight, bias=start.bias(1))
            case words.BatchNorm():
                inits = {"scale_init": ONES, "bias_init": ZEROS, "use_running_average": row.path in self.frozen}
                norm = nnx.BatchNorm(channels, momentum=layer.momentum, epsilon=layer.epsilon, **inits, **common)
                return _noted(norm, scale=ONES, bias=ZEROS, mean=ZEROS, var=ONES)
            case words.Dropout():
                return nnx.Dropout(layer.drop, deterministic=row.path in self.frozen)
            case _:
                return Fixed(layer, row, self.rule)

    def _conv(self, layer: words.Conv, row: Row, common: dict[str, Any]) -> nnx.Module:
        assert row.windows
        start = INITIALIZERS[self.init].of(layer.word, row.path)
        tall, wide = row.windows.window
        bias = raised(start.bias(tall * wide * row.input[-1] // layer.groups), layer.bias_start)
        conv = nnx.Conv(
            row.input[-1],
            layer.features,
            row.windows.window,
            row.windows.stride,
            padding=_sides(row),
            feature_group_count=layer.groups,
            use_bias=layer.bias,
            kernel_init=start.weight,
            bias_init=bias,
            conv_general_dilated=convolution_for(self.platform),
            **common,
        )
        return _noted(conv, kernel=start.weight, bias=bias)


def _noted(module: nnx.Module, **starts: Initializer) -> nnx.Module:
    """The module, with the name of its initializer noted on each array."""
    for name, start in starts.items():
        if (array := getattr(module, name)) is not None:
            array.set_metadata(init=start.name)
    return module


def _sides(row: Row) -> tuple[tuple[int, int], tuple[int, int]]:
    assert row.windows
    top, bottom, left, right = row.windows.padding
    return ((top, bottom), (left, right))


class Fixed(nnx.Module):
    """A layer without parameters; with a rule of `RULES`, that is how it passes a signal back."""

    def __init__(self, layer: Layer, row: Row, rule: str | None) -> None:
        self.layer, self.row, self.rule = layer, row, rule

    def __call__(self, x: jax.Array) -> jax.Array:
        """Apply the layer to images (batch, height, width, channel) or vectors (batch, feature)."""
        layer, row = self.layer, self.row
        match layer:
            case words.Pool():
                assert row.windows
                if layer.kind == "max" and self.rule:
                    return switched_max_pool(x, row.windows)
                return pool(layer.kind, x, row.windows, layer.count_padding)
            case words.AdaptivePool():
                return adaptive_pool(x, two(layer.size))
            case words.GlobalPool():
                return jnp.mean(x, axis=(1, 2))
            case words.LocalResponseNorm():
                return local_response_norm(x, layer)
            case words.Activation():
                return RELUS[self.rule](x) if self.rule and layer.kind == "relu" else ACTIVATIONS[layer.kind](x)
            case words.Flatten():
                return x.reshape(x.shape[0], -1)
            case words.RadialBasis():
                # Distances are small differences of large sums: in float32 whatever the network computes in.
                codes = jnp.asarray(layer.vectors, jnp.float32)
                return -jnp.sum((x.astype(jnp.float32)[:, None, :] - codes) ** 2, axis=-1)
            case words.PadShortcut():
                down, along = two(layer.stride)
                return jnp.pad(x[:, ::down, ::along], ((0, 0), (0, 0), (0, 0), (0, layer.features - x.shape[-1])))
            case _:
                raise Bug(f"the Flax reader knows no layer '{layer.word}'")


def local_response_norm(x: jax.Array, layer: words.LocalResponseNorm) -> jax.Array:
    """x / (k + alpha * sum of squares over neighbouring maps)^beta; the sum is plain, not divided by the size.

    The neighbours of map i are i - size//2 to i + (size - 1)//2 where they exist, which for odd sizes is the paper's.
    """
    before, after = layer.size // 2, (layer.size - 1) // 2
    squares = jnp.pad(x * x, ((0, 0),) * (x.ndim - 1) + ((before, after),))
    around = sum(squares[..., step : step + x.shape[-1]] for step in range(layer.size))
    return x * (layer.k + layer.alpha * around) ** -layer.beta
