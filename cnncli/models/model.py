"""A network as a pure function of its parameters: what training, evaluation and pictures call."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from cnncli.models.build import Net, Output, Scope, Tap
from cnncli.models.initializers import Keys
from cnncli.networks.network import Network
from cnncli.sizing.size import size

# Nested dicts of arrays by path: {"c1": {"kernel": ..., "bias": ...}}.
Arrays = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """A built network without its arrays; hashable, so that a jitted function can close over it."""

    network: Network
    dtype: Any
    training: nnx.GraphDef[Net]
    evaluation: nnx.GraphDef[Net]

    @property
    def classes(self) -> int:
        """How many logits there are."""
        return size(self.network).output[-1]

    def train(
        self, params: Arrays, stats: Arrays, x_BxHxWxC: jax.Array, key: jax.Array, tap: Tap | None = None
    ) -> tuple[Output, Arrays]:
        """Logits, auxiliary logits and the new BatchNorm statistics; `key` draws what dropout drops; `tap` as below."""
        net = _merged(self.training, params, stats)
        output = net(x_BxHxWxC.astype(self.dtype), rngs=nnx.Rngs(dropout=key), tap=tap)
        return output, _arrays(net, nnx.BatchStat)

    def logits(self, params: Arrays, stats: Arrays, x_BxHxWxC: jax.Array, tap: Tap | None = None) -> jax.Array:
        """Logits (batch, class) as float32, without dropout and heads; `tap` sees activations by their paths."""
        net = _merged(self.evaluation, params, stats)
        return net(x_BxHxWxC.astype(self.dtype), tap=tap).logits.astype(jnp.float32)

    def initialize(self, seed: jax.Array | int) -> tuple[Arrays, Arrays]:
        """Parameters and BatchNorm statistics as the network's paper starts them; traceable, so jit it."""
        platform = jax.default_backend()
        net = Net(self.network, dtype=self.dtype, platform=platform, rngs=Keys(jax.random.key(seed)))
        return _arrays(net, nnx.Param), _arrays(net, nnx.BatchStat)

    def shapes(self) -> tuple[Arrays, Arrays]:
        """The shapes and dtypes of parameters and statistics; takes no memory."""
        shapes: tuple[Arrays, Arrays] = jax.eval_shape(partial(self.initialize, 0))
        return shapes


def model(
    network: Network, dtype: Any = jnp.float32, rule: str | None = None, frozen: frozenset[str] = frozenset()
) -> Model:
    """Build a network for this process's platform, without allocating an array; `rule` is one of `RULES`.

    In training, too, the layers whose paths are `frozen` do as in evaluation: batch normalization keeps to its
    statistics, and nothing is dropped.
    """
    how: dict[str, Any] = {"dtype": dtype, "platform": jax.default_backend(), "rule": rule, "frozen": frozen}
    net = nnx.eval_shape(lambda: Net(network, **how, rngs=Keys(jax.random.key(0))))
    # A scope's attributes are layers by their names: one that is called set_view is none of Flax's.
    evaluating = nnx.view(
        net, only=nnx.Not(Scope), deterministic=True, use_running_average=True, raise_if_not_found=False
    )
    return Model(network, dtype, nnx.graphdef(net), nnx.graphdef(evaluating))


def _merged(graph: nnx.GraphDef[Net], params: Arrays, stats: Arrays) -> Net:
    return nnx.merge(graph, {"scope": params}, {"scope": stats})


def _arrays(net: Net, kind: type[nnx.Variable[Any]]) -> Arrays:
    """The variables of one kind as nested dicts by path."""
    arrays: Arrays = nnx.to_pure_dict(nnx.state(net, kind)).get("scope", {})
    return arrays
