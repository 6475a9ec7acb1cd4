"""AlexNet as published, without its two groups, as torchvision has it, and as the Keras article fits it to CIFAR-10."""

from cnncli.networks.layers import (
    Activation,
    AdaptivePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layers,
    LocalResponseNorm,
    Pool,
)
from cnncli.networks.network import Network

KRIZHEVSKY_2012 = "Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks"
KRIZHEVSKY_2014 = "Krizhevsky: One Weird Trick for Parallelizing Convolutional Neural Networks"
RELU = Activation("relu")


def overlapping(name: str) -> Pool:
    """Max-pooling of 3x3 windows every 2 pixels (section 3.4)."""
    return Pool("max", 3, 2, name=name)


def classifier(classes: int = 1000) -> Layers:
    """The dense layers of section 3.5, hidden biases starting at 1 (section 5), with dropout (section 4.2)."""
    hidden = (Dense(4096, bias_start=1.0, name=name) for name in ("fc6", "fc7"))
    dense = tuple(layer for fc in hidden for layer in (fc, RELU, Dropout(0.5)))
    return (Flatten(), *dense, Dense(classes, name="fc8"))


def published(name: str, groups: int, variant: str, top5_error: float = 0.0) -> Network:
    """Figure 2 and section 3.5; biases of conv 2, 4, 5 start at 1 (section 5). 227 is the input that fits."""
    return Network(
        name,
        (227, 227, 3),
        (
            *(Conv(96, 11, 4, name="conv1"), RELU, LocalResponseNorm(name="norm1"), overlapping("pool1")),
            *(Conv(256, 5, 1, 2, groups, bias_start=1.0, name="conv2"), RELU, LocalResponseNorm(name="norm2")),
            overlapping("pool2"),
            *(Conv(384, 3, 1, 1, name="conv3"), RELU),
            *(Conv(384, 3, 1, 1, groups, bias_start=1.0, name="conv4"), RELU),
            *(Conv(256, 3, 1, 1, groups, bias_start=1.0, name="conv5"), RELU, overlapping("pool5")),
            *classifier(),
        ),
        paper=KRIZHEVSKY_2012,
        year=2012,
        table="section 3.5, figure 2",
        variant=variant,
        top5_error=top5_error,
        init="normal-0.01",
    )


def alexnet() -> Network:
    """As published: conv 2, 4 and 5 see the maps of their own GPU alone."""
    return published("alexnet", 2, "as published: two groups, LRN, overlapping pooling; 227, the print has 224", 15.3)


def alexnet_ungrouped() -> Network:
    """The same on one device, every map seeing all maps."""
    return published("alexnet-ungrouped", 1, "the published network without its two groups")


def alexnet_torchvision() -> Network:
    """The single column of the later paper, with torchvision's adaptive pooling."""
    widths = ((192, 5, 2, "conv2"), (384, 3, 1, "conv3"), (256, 3, 1, "conv4"), (256, 3, 1, "conv5"))
    later = {name: (Conv(features, window, 1, padding, name=name), RELU) for features, window, padding, name in widths}
    return Network(
        "alexnet-torchvision",
        (224, 224, 3),
        (
            *(Conv(64, 11, 4, 2, name="conv1"), RELU, overlapping("pool1")),
            *(*later["conv2"], overlapping("pool2")),
            *(*later["conv3"], *later["conv4"], *later["conv5"], overlapping("pool5")),
            *(AdaptivePool(6), Flatten()),
            *(Dropout(0.5), Dense(4096, name="fc6"), RELU),
            *(Dropout(0.5), Dense(4096, name="fc7"), RELU),
            Dense(1000, name="fc8"),
        ),
        paper=KRIZHEVSKY_2014,
        year=2014,
        table="section 5, footnote 1",
        variant="torchvision's: 64-192-384-256-256, no LRN, no groups, adaptive pooling",
        init="he-normal",
    )


def alexnet_cifar10() -> Network:
    """The Keras article's AlexNet for 32x32 images; Keras's "same" pads the end more than the beginning."""
    norm = BatchNorm(momentum=0.99, epsilon=1e-3)
    return Network(
        "alexnet-cifar10",
        (32, 32, 3),
        (
            *(Conv(96, 11, 4, name="conv1"), RELU, norm, overlapping("pool1")),
            *(Conv(256, 5, 1, 2, name="conv2"), RELU, norm, Pool("max", 3, 2, (0, 1, 0, 1), name="pool2")),
            *(Conv(384, 3, 1, 1, name="conv3"), RELU, Conv(384, 3, 1, 1, name="conv4"), RELU),
            *(Conv(384, 3, 1, 1, name="conv5"), RELU, Pool("max", 3, 2, 1, name="pool5")),
            *(Flatten(), Dense(4096, name="fc6"), RELU, Dense(4096, name="fc7"), RELU, Dense(10, name="fc8")),
        ),
        paper="the Keras article on LeNet5 and AlexNet",
        table="its AlexNet model summary",
        variant="on 32x32 images: conv 11x11/4, BatchNorm, 2x2 maps after the first pooling",
    )


NETWORKS = {
    "alexnet": alexnet,
    "alexnet-ungrouped": alexnet_ungrouped,
    "alexnet-torchvision": alexnet_torchvision,
    "alexnet-cifar10": alexnet_cifar10,
}
