"""What became of a file's weights, in words and as a document."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.networks.network import Network
from cnncli.sizing.size import size

if TYPE_CHECKING:
    from cnncli.weights.matching import Matched


def sentences(network: Network, found: "Matched", weights: dict[str, Any]) -> Iterator[str]:
    """What matched, what was missing and left over, and how images will be prepared."""
    totals = size(network).totals
    yield (
        f"{network.name}: {len(found.arrays)} arrays by {found.names}'s names, {totals.params:,} parameters and "
        f"{totals.stats:,} statistics; nothing that it needs is missing"
    )
    if found.heads:
        yield f"missing of its auxiliary heads, where it starts anew: {counted(found.heads)}"
    yield f"left over: {counted(found.leftover) if found.leftover else 'nothing'}"
    yield f"images: {preprocessing(weights['preprocessing'])}"


def preprocessing(how: dict[str, Any]) -> str:
    """How images are prepared, as run.json has it, in words."""
    framed = f"resized to {how['resize']}, " if how["resize"] else ""
    mean, deviation = (", ".join(map(str, how[key])) for key in ("mean", "deviation"))
    cut = f"{how['crop']} pixels cut out ({how['interpolation']})"
    return f"{framed}{cut}; mean {mean}; standard deviation {deviation}"


def refusal(network: str, found: "Matched") -> str:
    """Why a file's weights are not a network's, in one line."""
    why = [f"missing: {counted(found.missing)}"] if found.missing else []
    why += [f"of another shape: {counted(found.mismatched, 2, '; ')}"] if found.mismatched else []
    why += [f"left over: {counted(found.leftover)}"] if found.leftover else []
    return f"its weights are not those of {network}; {'; '.join(why)}"


def counted(names: tuple[str, ...], most: int = 4, between: str = ", ") -> str:
    """How many there are, and the first of them."""
    from cnncli.weights.matching import shortened

    return f"{len(names):,} ({shortened(names, most, between)})"


def document(run: Path, network: Network, found: "Matched", weights: dict[str, Any]) -> dict[str, Any]:
    """`cnncli.import/1`."""
    totals = size(network).totals
    return {
        "schema": "cnncli.import/1",
        "run": str(run),
        "network": network.name,
        "classes": size(network).output[-1],
        "matched": [slot.key for slot in found.arrays],
        "params": totals.params,
        "stats": totals.stats,
        "missing": list(found.missing),
        "missing_heads": list(found.heads),
        "leftover": list(found.leftover),
        **weights,
    }
