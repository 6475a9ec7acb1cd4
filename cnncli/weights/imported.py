"""A file's weights made a run: its best checkpoint, as training would have left it."""

import jax
import numpy as np

from cnncli.data.facts import Facts
from cnncli.data.inputs import scale_for
from cnncli.models.model import model
from cnncli.networks.network import Network
from cnncli.runs.checkpoints import Checkpoints
from cnncli.runs.folder import RunFolder
from cnncli.weights.layout import Array, Slot, nested, slots
from cnncli.weights.matching import Matched


def save(folder: RunFolder, network: Network, found: Matched, facts: Facts) -> None:
    """Write the checkpoint of matched weights; auxiliary heads that the file lacks start as the network's do.

    Raises DataError, as on a full disk.
    """
    params, stats = nested(found.arrays | _started(network, found.heads))
    scale = scale_for("standard", facts, np.zeros((1, *facts.shape), np.uint8))
    with Checkpoints(folder.slot("best")) as checkpoints:
        checkpoints.save(1, params, {"stats": stats, "scale": scale}, {}, {"step": 0})


def _started(network: Network, keys: tuple[str, ...]) -> dict[Slot, Array]:
    """The arrays of these names, as a training would start them."""
    lacking = [slot for slot in slots(network) if slot.key in keys]
    if not lacking:
        return {}
    built = model(network)

    def started() -> list[jax.Array]:
        params, stats = built.initialize(0)
        return [slot.of(params, stats) for slot in lacking]

    # Jitted whole, XLA makes only what is asked for.
    return dict(zip(lacking, map(np.asarray, jax.jit(started)()), strict=True))
