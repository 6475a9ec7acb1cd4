"""Other inputs: the nearest size at which every window of a network fits."""

from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

from cnncli.errors import UsageError
from cnncli.networks.network import Network
from cnncli.sizing.size import sized

REACH = 32


@lru_cache(maxsize=64)
def nearest_fit(network: Network) -> tuple[int, int] | None:
    """The height and width, both moved by as much, nearest to a network's own at which nothing is dropped or added.

    None where there is none within 32 pixels; of two as near the larger.
    """
    height, width, channels = network.input
    for away in range(REACH + 1):
        for step in (away, -away):
            if min(height, width) + step > 0:
                moved = (height + step, width + step, channels)
                with suppress(UsageError):
                    if not sized(replace(network, input=moved)).unfit:
                        return moved[:2]
    return None
