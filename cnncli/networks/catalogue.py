"""Every network cnncli knows by name."""

from collections.abc import Callable
from pathlib import Path

from cnncli.errors import UsageError, nearest
from cnncli.networks import alexnet, convnet, googlenet, lenet, perceptron, resnet, toml, vgg, zfnet
from cnncli.networks.network import Network

CATALOGUE: dict[str, Callable[[], Network]] = {
    name: make
    for family in (perceptron, lenet, convnet, alexnet, zfnet, vgg, googlenet, resnet)
    for name, make in family.NETWORKS.items()
}


def find(name: str) -> Network:
    """The network of a catalogued name, or of a user's file: `net.toml` or `net.toml:name`.

    Raises UsageError for a name that is not known, with the nearest ones.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]()
    file, _, inside = name.partition(":")
    if file.endswith(".toml"):
        return toml.load(Path(file), inside)
    raise UsageError(f"unknown network '{name}'{nearest(name, CATALOGUE)} (cnncli list networks shows all)")
