"""Every network cnncli knows by name."""

from collections.abc import Callable
from pathlib import Path

from cnncli.errors import UsageError, nearest
from cnncli.networks import convnet, lenet, perceptron, toml
from cnncli.networks.network import Network

CATALOGUE: dict[str, Callable[[], Network]] = {
    "linear": perceptron.linear,
    "mlp": perceptron.mlp,
    "lenet5": lenet.lenet5_taught,
    "lenet5-1998": lenet.lenet5_1998,
    "lenet5-keras": lenet.lenet5_keras,
    "lenet5-modern": lenet.lenet5_modern,
    "mnist-convnet": convnet.mnist_convnet,
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
