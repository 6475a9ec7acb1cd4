"""Parts of a network's arrays, which are nested dicts by path: `{"conv1": {"kernel": ..., "bias": ...}}`."""

from collections.abc import Callable, Iterator, Set
from typing import Any

from cnncli.models.model import Arrays


def only(arrays: Arrays, layers: Set[str]) -> Arrays:
    """The arrays of some layers, by the layers' paths."""
    return _chosen(arrays, "", lambda path: path in layers)


def without(arrays: Arrays, layers: Set[str]) -> Arrays:
    """The arrays of all layers but these."""
    return _chosen(arrays, "", lambda path: path not in layers)


def over(whole: Arrays, part: Arrays) -> Arrays:
    """All arrays, those of a part in the place of the others."""
    if not part:
        return whole
    return {
        **whole,
        **{
            name: over(whole.get(name, {}), inside) if isinstance(inside, dict) else inside
            for name, inside in part.items()
        },
    }


def flat(arrays: Arrays, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Each array with its layer's path and its name there, as in `("conv2/block1/conv1", "kernel", ...)`."""
    for name, inside in arrays.items():
        if isinstance(inside, dict):
            yield from flat(inside, f"{path}/{name}" if path else name)
        else:
            yield path, name, inside


def _chosen(arrays: Arrays, path: str, kept: Callable[[str], bool]) -> Arrays:
    found: Arrays = {}
    for name, inside in arrays.items():
        if not isinstance(inside, dict):
            if kept(path):
                found[name] = inside
        # Empty dicts are left out: trees of the same layers are the same trees.
        elif part := _chosen(inside, f"{path}/{name}" if path else name, kept):
            found[name] = part
    return found
