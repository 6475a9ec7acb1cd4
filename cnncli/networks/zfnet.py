"""ZFNet: AlexNet with smaller first windows and strides, chosen by looking at what its layers see."""

from functools import partial

from cnncli.networks.alexnet import RELU
from cnncli.networks.layers import Conv, Dense, Dropout, Flatten, LocalResponseNorm, Pool
from cnncli.networks.network import Network

ZEILER_2014 = "Zeiler, Fergus: Visualizing and Understanding Convolutional Networks"


def pool(name: str) -> Pool:
    """3x3 windows every 2 pixels, rounded up: 110 to 55, 26 to 13 (figure 3)."""
    return Pool("max", 3, 2, ceil=True, name=name)


def zfnet(name: str, widths: tuple[int, int, int], variant: str, top5_error: float = 0.0) -> Network:
    """Figure 3, with `widths` maps in conv 3, 4 and 5; contrast normalization after pooling, constants as AlexNet's."""
    third, fourth, fifth = widths
    return Network(
        name,
        (224, 224, 3),
        (
            *(Conv(96, 7, 2, 1, name="conv1"), RELU, pool("pool1"), LocalResponseNorm(name="norm1")),
            *(Conv(256, 5, 2, name="conv2"), RELU, pool("pool2"), LocalResponseNorm(name="norm2")),
            *(Conv(third, 3, 1, 1, name="conv3"), RELU),
            *(Conv(fourth, 3, 1, 1, name="conv4"), RELU),
            *(Conv(fifth, 3, 1, 1, name="conv5"), RELU, pool("pool5"), Flatten()),
            *(Dense(4096, name="fc6"), RELU, Dropout(0.5)),
            *(Dense(4096, name="fc7"), RELU, Dropout(0.5)),
            Dense(1000, name="fc8"),
        ),
        paper=ZEILER_2014,
        year=2013,
        table="figure 3",
        variant=variant,
        top5_error=top5_error,
        init="normal-0.01",
    )


NETWORKS = {
    "zfnet": partial(zfnet, "zfnet", (384, 384, 256), "as published: 7x7/2, then 5x5/2; pooling rounds up", 11.2),
    "zfnet-512": partial(zfnet, "zfnet-512", (512, 1024, 512), "the chapter's, with 512, 1024 and 512 maps at the end"),
}
