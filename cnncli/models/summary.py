"""What is really built: the parameter tree of the Flax model, made without allocating it, beside sizing's counts."""

from dataclasses import dataclass
from typing import Any

import jax

from cnncli.errors import Bug
from cnncli.models.model import Arrays, model
from cnncli.networks.network import Network
from cnncli.sizing.report import Report
from cnncli.sizing.size import show, size


@dataclass(frozen=True)
class Leaf:
    """One array: its path (`c1/kernel`), shape, type, and whether it is trained or a BatchNorm statistic."""

    path: str
    shape: tuple[int, ...]
    dtype: str
    trained: bool
    count: int
    bytes: int


@dataclass(frozen=True)
class Summary:
    """The arrays of a network as built, in the order of its layers."""

    report: Report
    leaves: tuple[Leaf, ...]

    @property
    def params(self) -> int:
        """Trained values, auxiliary heads included."""
        return sum(leaf.count for leaf in self.leaves if leaf.trained)

    @property
    def stats(self) -> int:
        """BatchNorm's running statistics."""
        return sum(leaf.count for leaf in self.leaves if not leaf.trained)

    @property
    def bytes(self) -> int:
        """Memory of all arrays."""
        return sum(leaf.bytes for leaf in self.leaves)


def summarize(network: Network) -> Summary:
    """Build a network abstractly. Raises Bug where the model and sizing disagree on a count or the output's shape."""
    report, built = size(network), model(network)
    params, stats = built.shapes()
    order = {row.path: place for place, row in enumerate(report.rows)}
    leaves = sorted(
        (*_leaves(params, True), *_leaves(stats, False)), key=lambda leaf: order[leaf.path.rpartition("/")[0]]
    )
    summary = Summary(report, tuple(leaves))
    totals = report.totals
    if (summary.params, summary.stats) != (totals.params_with_heads, totals.stats_with_heads):
        raise Bug(
            f"{network.name}: sizing counts {totals.params_with_heads:,} parameters and {totals.stats_with_heads:,} "
            f"statistics, the model has {summary.params:,} and {summary.stats:,}"
        )
    image = jax.ShapeDtypeStruct((1, *network.input), "float32")
    output = jax.eval_shape(built.logits, params, stats, image).shape[1:]
    if output != report.output:
        raise Bug(f"{network.name}: sizing gives {show(report.output)}, the model {show(output)}")
    return summary


def _leaves(arrays: Arrays, trained: bool) -> list[Leaf]:
    return [
        Leaf(_path(keys), leaf.shape, str(leaf.dtype), trained, int(leaf.size), int(leaf.size * leaf.dtype.itemsize))
        for keys, leaf in jax.tree_util.tree_flatten_with_path(arrays)[0]
    ]


def _path(keys: tuple[Any, ...]) -> str:
    return "/".join(str(key.key) for key in keys)
