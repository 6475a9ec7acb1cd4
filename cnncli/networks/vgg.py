"""VGG: nothing but 3x3 convolutions, doubled in width after each of five poolings."""

from collections.abc import Iterator
from functools import partial

from cnncli.networks.alexnet import RELU
from cnncli.networks.layers import BatchNorm, Conv, Dense, Dropout, Flatten, GlobalPool, Layer, Layers, Pool
from cnncli.networks.network import Network

SIMONYAN_2015 = "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition"

# Table 1, columns A, B, D and E: 3x3 convolutions in each of the five blocks, of WIDTHS maps.
BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
COLUMNS = {11: "A", 13: "B", 16: "D", 19: "E"}
WIDTHS = (64, 128, 256, 512, 512)

CLASSIFIER = (
    Flatten(),
    *(Dense(4096, name="fc6"), RELU, Dropout(0.5)),
    *(Dense(4096, name="fc7"), RELU, Dropout(0.5)),
    Dense(1000, name="fc8"),
)


def features(depth: int, norm: bool = False) -> Iterator[Layer]:
    """The convolutional part of a column of table 1; `norm` puts a batch normalization behind each convolution."""
    for block, (convolutions, width) in enumerate(zip(BLOCKS[depth], WIDTHS, strict=True), 1):
        for place in range(1, convolutions + 1):
            yield Conv(width, 3, 1, 1, name=f"conv{block}_{place}")
            if norm:
                yield BatchNorm(name=f"bn{block}_{place}")
            yield RELU
        yield Pool("max", 2, 2, name=f"pool{block}")


def vgg(
    name: str,
    depth: int,
    variant: str = "",
    norm: bool = False,
    head: Layers = CLASSIFIER,
    side: int = 224,
    top5_error: float = 0.0,
) -> Network:
    """A column of table 1 with `depth` weight layers, on images of `side` pixels."""
    return Network(
        name,
        (side, side, 3),
        (*features(depth, norm), *head),
        paper=SIMONYAN_2015,
        year=2014,
        table=f"table 1, column {COLUMNS[depth]}",
        variant=variant or f"as published: column {COLUMNS[depth]}, nothing but 3x3",
        top5_error=top5_error,
        # Section 3.1 recommends Glorot's; behind batch normalization He's, as everybody trains them.
        init="he-normal" if norm else "glorot-uniform",
    )


def normalized(depth: int) -> partial[Network]:
    """A column with batch normalization, which came a year later."""
    return partial(vgg, f"vgg{depth}-bn", depth, "batch normalization behind each convolution", True)


GLOBAL = (GlobalPool(), Dense(1000, name="fc"))
SMALL = (Flatten(), Dense(10, name="fc"))

NETWORKS = {
    "vgg11": partial(vgg, "vgg11", 11),
    "vgg13": partial(vgg, "vgg13", 13),
    "vgg16": partial(vgg, "vgg16", 16),
    "vgg19": partial(vgg, "vgg19", 19, top5_error=7.3),
    **{f"vgg{depth}-bn": normalized(depth) for depth in BLOCKS},
    "vgg16-gap": partial(
        vgg, "vgg16-gap", 16, "global average pooling in place of the hidden dense layers", head=GLOBAL
    ),
    "vgg16-bn-cifar": partial(
        vgg, "vgg16-bn-cifar", 16, "for 32x32 images: BatchNorm, one dense layer", norm=True, head=SMALL, side=32
    ),
}
