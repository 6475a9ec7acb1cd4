"""GoogLeNet: Inception modules, which look at several scales at once; and the module alone, as the chapter has it."""

from functools import partial

from cnncli.networks.alexnet import RELU
from cnncli.networks.layers import (
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Group,
    Layer,
    Layers,
    LocalResponseNorm,
    Pool,
)
from cnncli.networks.network import Network

SZEGEDY_2015 = "Szegedy et al.: Going Deeper with Convolutions"

# Table 1: maps of the 1x1, the 3x3 with its reduction, the 5x5 with its reduction, and the projection of the pooling.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def biased(features: int, window: int, stride: int = 1, name: str = "") -> Layers:
    """A convolution that keeps the size at stride 1, and ReLU: the paper's."""
    return (Conv(features, window, stride, window // 2, name=name), RELU)


def normalized(features: int, window: int, stride: int = 1, name: str = "") -> Layers:
    """The same with batch normalization in place of biases: torchvision's."""
    conv = Conv(features, window, stride, window // 2, bias=False, name=name)
    return (conv, BatchNorm(epsilon=1e-3, name=f"{name}_bn"), RELU)


def module(name: str, widths: tuple[int, ...], as_published: bool = True) -> Group:
    """An Inception module with its reductions (figure 2b); torchvision has 3x3 where the paper has 5x5."""
    one, reduced3, three, reduced5, five, projected = widths
    conv, large = (biased, 5) if as_published else (normalized, 3)
    return Group(
        (
            Branches(
                (
                    conv(one, 1, name="1x1"),
                    (*conv(reduced3, 1, name="3x3_reduce"), *conv(three, 3, name="3x3")),
                    (*conv(reduced5, 1, name="5x5_reduce"), *conv(five, large, name="5x5")),
                    (Pool("max", 3, 1, 1, name="pool"), *conv(projected, 1, name="pool_proj")),
                )
            ),
        ),
        name=name,
    )


def modules(stage: str, as_published: bool = True) -> tuple[Layer, ...]:
    """The modules of one stage of table 1."""
    rows = ((name, widths) for name, widths in MODULES.items() if name.startswith(stage))
    return tuple(module(f"inception{name}", widths, as_published) for name, widths in rows)


def head(name: str, pooled: Layer, as_published: bool = True) -> AuxiliaryHead:
    """An auxiliary classifier (section 5), whose loss is weighted by 0.3 in training."""
    conv = biased if as_published else normalized
    dense = (Flatten(), Dense(1024, name="fc1"), RELU, Dropout(0.7), Dense(1000, name="fc2"))
    return AuxiliaryHead((pooled, *conv(128, 1, name="conv"), *dense), 0.3, name=name)


def with_heads(as_published: bool) -> Layers:
    """Stage 4 with a head behind 4a and 4d: an average of 5x5 every 3, or adaptive pooling as torchvision has it."""
    first, second, third, fourth, fifth = modules("4", as_published)
    pooled = Pool("average", 5, 3, name="pool")
    heads = [head(name, pooled, as_published) for name in ("head4a", "head4d")]
    return (first, heads[0], second, third, fourth, heads[1], fifth)


def googlenet() -> Network:
    """Table 1, figure 3: pools round up."""
    pools = {name: Pool("max", 3, 2, ceil=True, name=name) for name in ("pool1", "pool2", "pool3", "pool4")}
    return Network(
        "googlenet",
        (224, 224, 3),
        (
            *(*biased(64, 7, 2, "conv1"), pools["pool1"], LocalResponseNorm(name="norm1")),
            *(*biased(64, 1, name="conv2_reduce"), *biased(192, 3, name="conv2"), LocalResponseNorm(name="norm2")),
            *(pools["pool2"], *modules("3")),
            *(pools["pool3"], *with_heads(True)),
            *(pools["pool4"], *modules("5")),
            *(GlobalPool(name="pool5"), Dropout(0.4), Dense(1000, name="fc")),
        ),
        paper=SZEGEDY_2015,
        year=2014,
        table="table 1, figure 3",
        variant="as published: biases, 5x5, two auxiliary heads",
        top5_error=6.7,
    )


def googlenet_torchvision() -> Network:
    """torchvision's departures: BatchNorm, 3x3 for 5x5, no LRN, a fourth pooling of 2x2."""
    pools = {name: Pool("max", 3, 2, ceil=True, name=name) for name in ("pool1", "pool2", "pool3")}
    return Network(
        "googlenet-torchvision",
        (224, 224, 3),
        (
            *(*normalized(64, 7, 2, "conv1"), pools["pool1"]),
            *(*normalized(64, 1, name="conv2_reduce"), *normalized(192, 3, name="conv2"), pools["pool2"]),
            *(*modules("3", False), pools["pool3"]),
            *(*with_heads(False), Pool("max", 2, 2, ceil=True, name="pool4")),
            *modules("5", False),
            *(GlobalPool(name="pool5"), Dropout(0.2), Dense(1000, name="fc")),
        ),
        paper=SZEGEDY_2015,
        year=2014,
        table="table 1, as torchvision changed it",
        variant="torchvision's: BatchNorm, 3x3 where the paper has 5x5, a 2x2 fourth pooling",
        init="he-normal",
    )


def googlenet_cifar() -> Network:
    """For 32x32 images: one 3x3 convolution to 192 maps as the stem, torchvision's modules, no heads."""
    return Network(
        "googlenet-cifar",
        (32, 32, 3),
        (
            *(*normalized(192, 3, name="conv1"), *modules("3", False), Pool("max", 3, 2, 1, name="pool3")),
            *(*modules("4", False), Pool("max", 3, 2, 1, name="pool4"), *modules("5", False)),
            *(GlobalPool(name="pool5"), Dropout(0.2), Dense(10, name="fc")),
        ),
        paper=SZEGEDY_2015,
        year=2014,
        table="table 1, without its stem",
        variant="for 32x32 images: 3x3 stem, BatchNorm, no auxiliary heads",
        init="he-normal",
    )


def alone(name: str, reduced: bool) -> Network:
    """One module on 28x28x256: 1x1 128, 3x3 192, 5x5 96 and a pooling; reduced, behind 64-wide 1x1 convolutions."""
    pool = Pool("max", 3, 1, 1, name="pool")
    naive = (biased(128, 1, name="1x1"), biased(192, 3, name="3x3"), biased(96, 5, name="5x5"), (pool,))
    behind = (
        naive[0],
        (*biased(64, 1, name="3x3_reduce"), *naive[1]),
        (*biased(64, 1, name="5x5_reduce"), *naive[2]),
        (pool, *biased(64, 1, name="pool_proj")),
    )
    return Network(
        name,
        (28, 28, 256),
        (Branches(behind if reduced else naive),),
        paper=SZEGEDY_2015,
        year=2014,
        table="figure 2b, with the chapter's widths" if reduced else "figure 2a, with the chapter's widths",
        variant="one module with 64-wide 1x1 reductions" if reduced else "one module without reductions",
    )


NETWORKS = {
    "googlenet": googlenet,
    "googlenet-torchvision": googlenet_torchvision,
    "googlenet-cifar": googlenet_cifar,
    "inception-naive": partial(alone, "inception-naive", False),
    "inception-reduced": partial(alone, "inception-reduced", True),
}
