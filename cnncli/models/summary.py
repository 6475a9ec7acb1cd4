"""What is really built: the arrays of the Flax model, made without allocating one, checked against sizing by path."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from cnncli.errors import Bug
from cnncli.models.build import Net, Scope
from cnncli.models.initializers import Keys
from cnncli.networks.network import Network
from cnncli.sizing.report import Report, Row, Shape
from cnncli.sizing.size import show, size

# What an array is, by its type in Flax; any other kind of variable belongs to the model and no step changes it.
KINDS = {"trained": nnx.Param, "statistic": nnx.BatchStat, "random": nnx.RngState}
OTHERWISE = "frozen"


@dataclass(frozen=True)
class Leaf:
    """One array: its path (`c1/kernel`), shape and type; `kind` is trained, statistic, frozen or random.

    `init` says what its first values are: `he-normal`, `zeros`, `1.0`.
    """

    path: str
    shape: Shape
    dtype: str
    kind: str
    init: str
    count: int
    bytes: int

    @property
    def layer(self) -> str:
        """The path of the layer it belongs to."""
        return self.path.rpartition("/")[0]


@dataclass(frozen=True)
class Summary:
    """The arrays of a network as built, in the order of its layers, auxiliary heads included."""

    report: Report
    leaves: tuple[Leaf, ...]

    def count(self, *kinds: str) -> int:
        """How many values the arrays of these kinds have."""
        return sum(leaf.count for leaf in self.leaves if leaf.kind in kinds)

    @property
    def params(self) -> int:
        """Values that training finds, whether or not this one changes them."""
        return self.count("trained", "frozen")

    @property
    def bytes(self) -> int:
        """Memory of all arrays."""
        return sum(leaf.bytes for leaf in self.leaves)


@dataclass(frozen=True)
class _Built:
    """A model as Flax has it: its arrays, and the shapes (without the batch) of its activations by path, and output."""

    leaves: tuple[Leaf, ...]
    activations: dict[str, Shape]
    output: Shape


def summarize(network: Network) -> Summary:
    """Build a network abstractly and run it once.

    Raises Bug, with the first path and both numbers, where the model and sizing disagree on an array or an activation.
    """
    report, built = size(network), _built(network)
    for problem in _disagreements(report, built):
        raise Bug(f"{network.name}: {problem}")
    order = {row.path: place for place, row in enumerate(report.rows)}
    # What belongs to no layer, as random state would, comes last.
    in_order = sorted(built.leaves, key=lambda leaf: (order.get(leaf.layer, len(order)), leaf.path))
    return Summary(report, tuple(in_order))


def _built(network: Network) -> _Built:
    def run(x: jax.Array) -> tuple[Net, dict[str, jax.Array], jax.Array]:
        seen: dict[str, jax.Array] = {}

        def look(path: str, y: jax.Array) -> jax.Array:
            seen[path] = y
            return y

        net = Net(network, platform=jax.default_backend(), rngs=Keys(jax.random.key(0)))
        # As in training, so that auxiliary heads are there; but updates of statistics are slow to trace.
        view = nnx.view(net, only=nnx.Not(Scope), use_running_average=True, raise_if_not_found=False)
        output = view(x, rngs=nnx.Rngs(dropout=jax.random.key(0)), tap=look)
        return net, seen, output.logits

    image = jax.ShapeDtypeStruct((1, *network.input), jnp.float32)
    net, seen, output = nnx.eval_shape(run, image)
    return _Built(tuple(leaves(net)), {path: y.shape[1:] for path, y in seen.items()}, output.shape[1:])


def leaves(net: nnx.Module) -> Iterator[Leaf]:
    """Every array of a module; those of a network are named by the layers' paths."""
    for keys, variable in nnx.to_flat_state(nnx.state(net)):
        array: Any = variable.get_value()
        kind = next((kind for kind, type_ in KINDS.items() if isinstance(variable, type_)), OTHERWISE)
        path = "/".join(map(str, keys[1:] if keys[0] == "scope" else keys))
        count, init = int(array.size), variable.get_metadata("init", "")
        yield Leaf(path, array.shape, str(array.dtype), kind, init, count, count * int(array.dtype.itemsize))


def _disagreements(report: Report, built: _Built) -> Iterator[str]:
    """What sizing and the model say differently, in the order of the layers."""
    counts = {kind: Counter[str]() for kind in (*KINDS, OTHERWISE)}
    for leaf in (leaf for leaf in built.leaves if leaf.kind != "random"):
        counts[leaf.kind][leaf.layer] += leaf.count
    for row in report.rows:
        params = counts["trained"].pop(row.path, 0) + counts["frozen"].pop(row.path, 0)
        stats = counts["statistic"].pop(row.path, 0)
        if params != row.params:
            yield f"{row.path}: sizing counts {row.params:,} parameters, the model has {params:,}"
        if stats != row.stats:
            yield f"{row.path}: sizing counts {row.stats:,} statistics, the model has {stats:,}"
        shape = built.activations.get(row.path)
        if shape != row.output and not (shape is None and _transparent(row)):
            yield f"{row.path}: sizing gives {show(row.output)}, the model {show(shape) if shape else 'nothing'}"
    for path, count in (entry for kind in counts.values() for entry in kind.items()):
        yield f"{path}: sizing has no such layer, the model has {count:,} values in it"
    if built.output != report.output:
        yield f"output: sizing gives {show(report.output)}, the model {show(built.output)}"


def _transparent(row: Row) -> bool:
    """Whether a row stands where ways meet: without a name of its own, the model's has none either."""
    return row.word in ("branches", "residual")
