"""The textbook chapter's first ConvNet."""

from cnncli.networks.layers import Activation, Conv, Dense, Dropout, Flatten, Pool
from cnncli.networks.network import Network


def mnist_convnet() -> Network:
    """Two convolutions, one pooling, two dense layers, dropout: the chapter's example on MNIST."""
    return Network(
        "mnist-convnet",
        (28, 28, 1),
        (
            *(Conv(32, 3, name="conv1"), Activation("relu")),
            *(Conv(64, 3, name="conv2"), Activation("relu"), Pool("max", 2, 2, name="pool"), Dropout(0.25)),
            Flatten(),
            *(Dense(128, name="dense1"), Activation("relu"), Dropout(0.5)),
            Dense(10, name="dense2"),
        ),
        paper="textbook chapter on ConvNets",
        table="12.7.2, its MNIST example",
        variant="conv 3x3-32, conv 3x3-64, pool 2, dropout, dense 128, dense 10",
    )


NETWORKS = {"mnist-convnet": mnist_convnet}
