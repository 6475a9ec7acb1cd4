"""The networks before convolution, which every comparison starts from."""

from cnncli.networks.layers import Activation, Dense, Flatten
from cnncli.networks.network import Network


def linear() -> Network:
    """A linear classifier: one template a class over the whole image."""
    return Network(
        "linear",
        (32, 32, 3),
        (Flatten(), Dense(10, name="templates")),
        paper="textbook chapter on ConvNets",
        table="its linear classifier on CIFAR-10",
        variant="one template of 32x32x3 weights and a bias for each of ten classes",
    )


def mlp() -> Network:
    """One hidden layer of 128 units."""
    return Network(
        "mlp",
        (28, 28, 1),
        (Flatten(), Dense(128, name="hidden"), Activation("relu"), Dense(10, name="output")),
        paper="Rumelhart, Hinton, Williams: Learning Representations by Back-Propagating Errors",
        year=1986,
        variant="one hidden layer of 128 with ReLU",
        init="he-normal",
    )


NETWORKS = {"linear": linear, "mlp": mlp}
