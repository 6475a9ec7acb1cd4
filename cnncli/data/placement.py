"""Where arrays live: one mesh with one axis over all devices, the batch split along it, everything else on each.

One device is a mesh of one, so there is no second path for more.
"""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from cnncli.errors import UsageError

AXIS = "data"


@dataclass(frozen=True)
class Placement:
    """The mesh of all devices and the two ways of laying an array on it."""

    mesh: Mesh

    @property
    def replicated(self) -> NamedSharding:
        """Whole on each device."""
        return NamedSharding(self.mesh, PartitionSpec())

    def split(self, axis: int = 0) -> NamedSharding:
        """Cut along one axis, a part on each device."""
        return NamedSharding(self.mesh, PartitionSpec(*[None] * axis, AXIS))

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return int(self.mesh.size)

    @property
    def platform(self) -> str:
        """What kind of devices they are: cpu, gpu or tpu."""
        return str(self.mesh.devices.flat[0].platform)

    def everywhere(self, tree: Any) -> Any:
        """Put a tree of arrays on each device."""
        return jax.device_put(tree, self.replicated)

    def check_batch(self, batch_size: int) -> None:
        """Raise UsageError for a batch that cannot be cut into equal parts."""
        if batch_size % self.devices:
            raise UsageError(
                f"batch_size is {batch_size}; expected a multiple of the {self.devices} devices, such as "
                f"{-(-batch_size // self.devices) * self.devices}"
            )


def placement() -> Placement:
    """All devices of this process's platform."""
    return Placement(Mesh(np.array(jax.devices()), (AXIS,)))
