"""What XLA says of a network's forward pass and training step, compiled without one of its arrays, beside sizing."""

from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cnncli.data.dataset import Loaded, Split
from cnncli.data.facts import Facts
from cnncli.data.placement import placement
from cnncli.errors import UsageError
from cnncli.models.convolution import convolution_for
from cnncli.networks.layers import AuxiliaryHead, Branches, Group, Layers, Residual
from cnncli.networks.network import Network
from cnncli.sizing.report import Report, Row
from cnncli.sizing.size import show, size
from cnncli.sizing.workload import Workload, cost
from cnncli.training.recipe import Recipe
from cnncli.training.session import Session
from cnncli.training.step import train_steps


@dataclass(frozen=True)
class Apart:
    """FLOPs of convolutions and dense layers that XLA counts and sizing does not, or (negative) the other way round.

    `padding`: XLA leaves out multiplications with padding. `zeros`: it computes and counts those with the zeros of a
    banded matrix, and of connections that a partial convolution lacks. `inputs`: what no layer trained before it asks
    for, the gradient of its input.
    """

    padding: int = 0
    zeros: int = 0
    inputs: int = 0


@dataclass(frozen=True)
class Work:
    """One program: FLOPs of the whole batch, and bytes on each device, by sizing and by XLA.

    What takes an argument's place is no part of `results`; `moved` are the bytes that its operations read and write.
    """

    sized_flops: int
    apart: Apart
    flops: int
    sized_bytes: int
    arguments: int
    results: int
    temporaries: int
    moved: int

    @property
    def rest(self) -> int:
        """FLOPs of everything that is no multiply-add of a convolution or dense layer."""
        return self.flops - self.sized_flops - self.apart.padding - self.apart.zeros - self.apart.inputs

    @property
    def bytes(self) -> int:
        """Memory by XLA."""
        return self.arguments + self.results + self.temporaries

    @property
    def flops_ratio(self) -> float | None:
        """XLA's FLOPs over sizing's; None where sizing counts none."""
        return self.flops / self.sized_flops if self.sized_flops else None

    @property
    def bytes_ratio(self) -> float:
        """XLA's memory over sizing's, which holds an image at least."""
        return self.bytes / self.sized_bytes


@dataclass(frozen=True)
class Analysis:
    """A network under a workload, on the devices of this process."""

    load: Workload
    platform: str
    forward: Work
    step: Work


def analyze(network: Network, recipe: Recipe, batch: int, options: dict[str, str]) -> Analysis:
    """Compile the forward pass and the recipe's training step for a batch of the network's inputs.

    `options` are XLA's. Raises UsageError where the network's output is no vector, or the devices cannot share a batch.
    """
    report = size(network)
    if len(report.output) != 1:
        raise UsageError(
            f"{network.name} gives {show(report.output)} outputs; --xla also analyses the training step, which needs "
            "one number a class"
        )
    where = placement()
    where.check_batch(batch)
    blank = _blank(network, where.devices)
    # All layers train: that is what sizing counts.
    whole = replace(recipe, batch_size=where.devices, validation=0.0, freeze="", thaw="", lr_shares="")
    session = Session(whole, network, blank, options)
    built, state = session.program.model, session.like()
    image = jax.ShapeDtypeStruct((batch, *network.input), jnp.float32, sharding=where.split())
    logits = jax.jit(built.logits, compiler_options=options).lower(state.params, state.stats, image)
    # As the session calls it, with a split of one batch.
    images = jax.ShapeDtypeStruct((batch, *network.input), jnp.uint8, sharding=where.replicated)
    labels = jax.ShapeDtypeStruct((batch,), jnp.int32, sharding=where.replicated)
    indices = jax.ShapeDtypeStruct((1, batch), jnp.int32, sharding=where.split(axis=1))
    train = jax.jit(partial(train_steps, session.program), donate_argnums=0, compiler_options=options)
    load = Workload(batch, str(jnp.dtype(built.dtype)), recipe.optimizer.word, where.devices)
    sized, (forward, step) = cost(report, load), _apart(report, batch, built.dtype, where.platform)
    return Analysis(
        load,
        where.platform,
        _work(logits, forward, sized.forward_flops, sized.inference),
        _work(train.lower(state, images, labels, indices), step, sized.training_flops, sized.training),
    )


def _blank(network: Network, count: int) -> Loaded:
    """As few black images as there must be for a training to be set up."""
    classes, even = tuple(map(str, range(size(network).output[0]))), (0.5,) * network.input[2]
    facts = Facts("", "", network.input, classes, count, 0, even, even, "pad", "")
    return Loaded(facts, Split(np.zeros((count, *network.input), np.uint8), np.zeros(count, np.int32)), "")


def _work(lowered: Any, apart: Apart, sized_flops: int, sized_bytes: int) -> Work:
    """Compile a program, and ask XLA."""
    compiled = lowered.compile()
    memory = compiled.memory_analysis()
    return Work(
        sized_flops,
        apart,
        _flops(lowered),
        sized_bytes,
        memory.argument_size_in_bytes,
        memory.output_size_in_bytes - memory.alias_size_in_bytes,
        memory.temp_size_in_bytes,
        int(compiled.cost_analysis().get("bytes accessed", 0)),
    )


def _flops(lowered: Any) -> int:
    """XLA's count for a program before it is optimized.

    Afterwards it counts fused operations as often as they are repeated, 3 % of ResNet152, and those that became a
    library's call only where it knows that library.
    """
    # What computes nothing has no entry.
    return int(lowered.cost_analysis().get("flops", 0))


def _apart(report: Report, batch: int, dtype: Any, platform: str) -> tuple[Apart, Apart]:
    """Why XLA's FLOPs are not sizing's, in the forward pass and in the training step."""
    trained = {row.path for row in report.rows if row.params}
    first, _ = _first(report.network.named(), "", False, trained)
    forward, step = Apart(), Apart()
    for row in (row for row in report.rows if row.macs):
        sized, inputs = 2 * batch * row.macs, row.path not in first
        passes = 3 if inputs else 2
        once, all_passes = _convolution(row, batch, dtype, platform, inputs) if row.windows else (sized, passes * sized)
        step = _more(step, all_passes - passes * sized, (passes - 3) * sized)
        if not row.head:
            forward = _more(forward, once - sized)
    return forward, step


def _more(apart: Apart, difference: int, inputs: int = 0) -> Apart:
    """One more layer: where XLA counts less it left out padding, where it counts more it multiplied zeros."""
    return Apart(apart.padding + min(difference, 0), apart.zeros + max(difference, 0), apart.inputs + inputs)


def _convolution(row: Row, batch: int, dtype: Any, platform: str, inputs: bool) -> tuple[int, int]:
    """XLA's FLOPs of a convolution without its bias: forward, and with the gradients, that of its `inputs` or not."""
    assert row.windows
    top, bottom, left, right = row.windows.padding
    x = jax.ShapeDtypeStruct((batch, *row.input), dtype)
    kernel = jax.ShapeDtypeStruct((*row.windows.window, row.input[-1] // row.groups, row.output[-1]), dtype)
    return _counted(x, kernel, row.windows.stride, ((top, bottom), (left, right)), row.groups, platform, inputs)


@cache
def _counted(
    x: Any, kernel: Any, stride: tuple[int, int], padding: Any, groups: int, platform: str, inputs: bool
) -> tuple[int, int]:
    convolve = partial(
        convolution_for(platform),
        window_strides=stride,
        padding=padding,
        feature_group_count=groups,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )

    def trained(x: Any, kernel: Any, slope: Any) -> Any:
        y, back = jax.vjp(convolve, x, kernel) if inputs else jax.vjp(partial(convolve, x), kernel)
        return y, back(slope)

    forward = jax.jit(convolve).lower(x, kernel)
    return _flops(forward), _flops(jax.jit(trained).lower(x, kernel, forward.out_info))


def _first(layers: Layers, path: str, after: bool, trained: set[str]) -> tuple[set[str], bool]:
    """Paths of the layers that nothing trained comes before, given whether something came; and whether it has since."""
    found: set[str] = set()
    for layer in layers:
        here = path + layer.name
        inside = f"{here}/" if layer.name else path
        match layer:
            case Group() | AuxiliaryHead():
                ways: tuple[Layers, ...] = (layer.layers,)
            case Branches():
                ways = layer.branches
            case Residual():
                ways = (layer.body, layer.shortcut)
            case _:
                if here in trained and not after:
                    found.add(here)
                after = after or here in trained
                continue
        ends = [_first(way, inside, after, trained) for way in ways]
        found.update(*(paths for paths, _ in ends))
        # An auxiliary head leads nowhere else.
        after = after if isinstance(layer, AuxiliaryHead) else any(end for _, end in ends)
    return found, after
