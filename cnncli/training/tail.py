"""A network in two: the layers below a cut, in which nothing ever trains, and the tail, trained on what they give."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import prod

import jax
import jax.numpy as jnp
import numpy as np

from cnncli.data.inputs import Fit, Scale, prepare
from cnncli.data.placement import Placement
from cnncli.evaluation.evaluate import Examples
from cnncli.models.model import Arrays, Model, model
from cnncli.networks.layers import Dropout, Flatten, Layer
from cnncli.networks.network import Network, children
from cnncli.sizing.size import size
from cnncli.training.freezing import Freezing, layers

# The least share of the multiply-adds that is worth the memory of features.
LEAST = 0.2
# Images at a time: few enough for those of 224x224 pixels.
BATCH = 100


def as_it_is() -> Scale:
    """The scale of features, which changes nothing."""
    return {"shift": jnp.zeros(1), "factor": jnp.ones(1)}


@dataclass(frozen=True)
class Section:
    """A model of some of a network's layers; `names` say which parts of the network's arrays are its own."""

    model: Model
    names: frozenset[str]

    @classmethod
    def of(cls, network: Network, dtype: str, frozen: frozenset[str] = frozenset()) -> "Section":
        """The section that these layers make, some of them frozen."""
        built = model(network, jnp.dtype(dtype), frozen=frozen)
        params, stats = built.shapes()
        return cls(built, frozenset(params) | frozenset(stats))

    def own(self, arrays: Arrays) -> Arrays:
        """The section's arrays among the network's."""
        return {name: inside for name, inside in arrays.items() if name in self.names}


@dataclass(frozen=True)
class Cut:
    """Where a network is cut: `path` is the last layer or group below, `shape` (height, width, channel) its output."""

    path: str
    shape: tuple[int, int, int]
    below: Network
    above: Network

    def bytes(self, count: int, dtype: str) -> int:
        """Memory of the features of so many images."""
        return count * prod(self.shape) * jnp.dtype(dtype).itemsize


def cut(network: Network, freezing: Freezing) -> Cut | None:
    """The network cut as high as can be; None where too little of the work would be below.

    Only whole layers of the outermost chain are below: frozen ones, and those without parameters, unless they drop.
    """
    learning = {row.path for row in layers(network) if row.params or row.word == Dropout.word} - freezing.frozen
    chain = network.named()
    paths = [frozenset(_leaves(layer, "")) for layer in chain]
    place = next((place for place, inside in enumerate(paths) if inside & learning), 0)
    below = replace(network, layers=chain[:place])
    if not freezing.frozen or not place or size(below).totals.macs < LEAST * size(network).totals.macs:
        return None
    given = size(below).output
    # What flattens a vector changes nothing: a tail, too, begins with an image.
    flat = len(given) == 1
    height, width, channels = (1, 1, *given) if flat else given
    first = (Flatten(),) if flat else ()
    above = replace(network, input=(height, width, channels), layers=(*first, *chain[place:]))
    return Cut(chain[place - 1].name or size(below).rows[-1].path, above.input, below, above)


def _leaves(layer: Layer, path: str) -> Iterator[str]:
    """The paths of the layers inside a layer, or its own."""
    if not (ways := children(layer)):
        yield path + layer.name
    inside = f"{path}{layer.name}/" if layer.name else path
    for way in ways:
        for one in way:
            yield from _leaves(one, inside)


class Extractor:
    """Computes the features of images; the forward pass is compiled once."""

    def __init__(self, cut: Cut, dtype: str, fit: Fit, where: Placement, options: dict[str, str]) -> None:
        self.where = where
        run = partial(_features, Section.of(cut.below, dtype), fit, cut.shape)
        self._batch = jax.jit(run, out_shardings=where.replicated, compiler_options=options)

    def __call__(self, params: Arrays, stats: Arrays, scale: Scale, examples: Examples) -> Iterator[jax.Array]:
        """The features of examples, in order, in parts (count, height, width, channel)."""
        count, devices = len(examples.labels), self.where.devices
        batch_size = -(-min(BATCH, count) // devices) * devices
        for start in range(0, count, batch_size):
            # The last batch repeats the last example; its surplus is cut off below.
            indices = np.minimum(np.arange(start, start + batch_size), count - 1)
            placed = jax.device_put(indices, self.where.split())
            features: jax.Array = self._batch(params, stats, scale, examples.images, placed)
            yield features.block_until_ready()[: count - start]


def _features(
    below: Section,
    fit: Fit,
    shape: tuple[int, int, int],
    params: Arrays,
    stats: Arrays,
    scale: Scale,
    images: jax.Array,
    indices: jax.Array,
) -> jax.Array:
    """What the layers below the cut give of the images at `indices`, (batch, height, width, channel)."""
    x = prepare(images[indices].astype(jnp.float32), scale, fit)
    given = below.model.logits(below.own(params), below.own(stats), x)
    return given.astype(below.model.dtype).reshape(-1, *shape)
