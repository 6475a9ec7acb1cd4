"""Which images of a split excite the maps of a layer most, and where: one pass that keeps nine a map on the device.

The units of a dense layer count as maps of one pixel.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from cnncli.errors import DataError
from cnncli.networks.network import Network
from cnncli.sizing.report import Row
from cnncli.sizing.size import size
from cnncli.visualize.features import LEAST, MULTIPLY_ADDS, sample
from cnncli.visualize.subject import BATCH, Subject, Weights, activation

# Images a map, as in Zeiler and Fergus 2014.
NINE = 9

# Activations (map, rank), the image and the unit that each comes from, and the least of all (map,).
Kept = tuple[jax.Array, jax.Array, jax.Array, jax.Array]


@dataclass(frozen=True)
class Excited:
    """What excites the maps of a layer most: a unit each of up to nine images (map, rank), the strongest first.

    `images` are places in the split, `units` places in the map, line by line, `values` the activations. `least` (map,)
    is each map's least activation anywhere in the `among` images that were looked at.
    """

    row: Row
    among: int
    images: NDArray[np.int32]
    units: NDArray[np.int32]
    values: NDArray[np.float32]
    least: NDArray[np.float32]

    @property
    def maps(self) -> int:
        """How many maps there are."""
        return len(self.least)

    def count(self, number: int) -> int:
        """How many of the images kept excite a map more than its least: none of a dead one, whose values are alike."""
        return int(np.count_nonzero(self.values[number] > self.least[number]))

    @property
    def dead(self) -> list[int]:
        """The maps that no image excites."""
        return [number for number in range(self.maps) if not self.count(number)]

    def strongest(self, count: int) -> list[int]:
        """The maps that the last of their images excites most, in the order of their numbers; none that is dead."""
        counts = {number: self.count(number) for number in range(self.maps)}
        last = {number: (seen, self.values[number, seen - 1]) for number, seen in counts.items() if seen}
        return sorted(sorted(last, key=lambda number: last[number], reverse=True)[:count])


def looked_at(network: Network, row: Row, wanted: int | None, of: int, seed: int) -> NDArray[np.int64]:
    """The places of the images to look at: as many as are wanted, or all where that takes a minute or so, by chance."""
    rows = size(network).main
    last = max(at for at, one in enumerate(rows) if f"{one.path}/".startswith(f"{row.path}/"))
    macs = sum(one.macs for one in rows[: last + 1])
    return sample(of, min(wanted or max(LEAST, int(MULTIPLY_ADDS / max(1, macs))), of), seed)


def excited(subject: Subject, images: NDArray[np.uint8], row: Row, places: NDArray[np.int64]) -> Excited:
    """Look once at the images of a split that are at some places, and keep what excites each map of a layer most.

    An image counts once a map, with its strongest unit, so that nine are nine images; of equal ones the first counts.
    Raises DataError for activations that are not finite.
    """
    built, count = subject.model, len(places)

    def look(weights: Weights, kept: Kept, x: jax.Array, numbers: jax.Array, new: jax.Array) -> Kept:
        return merged(kept, by_unit(activation(built, weights, x, row.path)), numbers, new)

    call, together, kept = subject.jit(look), min(BATCH, count, subject.together), nothing(row.output[-1])
    for start in range(0, count, together):
        at = np.arange(start, start + together)
        # The last batch repeats the last image, which is not new.
        chosen = places[np.minimum(at, count - 1)]
        kept = call(subject.weights, kept, subject.seen(images[chosen]), chosen.astype(np.int32), at < count)
    values, found, units, least = (np.asarray(one) for one in kept)
    filled = min(NINE, count)
    if not (np.isfinite(least).all() and np.isfinite(values[:, :filled]).all()):
        raise DataError(f"{row.path} gives values that are not finite; choose another checkpoint")
    return Excited(row, count, found[:, :filled], units[:, :filled], values[:, :filled], least)


def by_unit(y: jax.Array) -> jax.Array:
    """Activations (batch, unit, map) of an image or a vector."""
    return y.reshape(len(y), -1, y.shape[-1])


def nothing(maps: int) -> Kept:
    """What is kept before an image was seen."""
    none = jnp.zeros((maps, NINE), jnp.int32)
    return jnp.full((maps, NINE), -jnp.inf), none, none, jnp.full(maps, jnp.inf)


def merged(kept: Kept, y_BxUxM: jax.Array, numbers_B: jax.Array, new_B: jax.Array) -> Kept:
    """What is kept when more images, by their numbers, have been seen; those that are not `new` do not count."""
    values, images, units, least = kept
    new_Bx1 = new_B[:, None]
    offered = jnp.where(new_Bx1, jnp.max(y_BxUxM, axis=1), -jnp.inf).T
    numbers = jnp.broadcast_to(numbers_B[None], offered.shape)
    where = jnp.argmax(y_BxUxM, axis=1).T.astype(jnp.int32)
    values, order = lax.top_k(jnp.concatenate([values, offered], axis=1), NINE)
    images, units = (
        jnp.take_along_axis(jnp.concatenate(both, axis=1), order, axis=1)
        for both in ((images, numbers), (units, where))
    )
    lowest = jnp.min(jnp.where(new_Bx1, jnp.min(y_BxUxM, axis=1), jnp.inf), axis=0)
    return values, images, units, jnp.minimum(least, lowest)
