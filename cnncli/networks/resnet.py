"""ResNet: blocks that add to what they were given; on ImageNet, on CIFAR, and without shortcuts for comparison."""

from functools import partial

from cnncli.networks.alexnet import RELU
from cnncli.networks.layers import BatchNorm, Conv, Dense, GlobalPool, Group, Layer, Layers, PadShortcut, Pool, Residual
from cnncli.networks.network import Network

HE_2016 = "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition"

# Table 1: blocks in conv2_x to conv5_x. The deeper three are made of bottlenecks.
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
WIDTHS = (64, 128, 256, 512)
BOTTLENECKS = (50, 101, 152)


def conv(features: int, window: int, stride: int = 1, name: str = "") -> Layers:
    """A convolution without bias that keeps the size at stride 1, and its batch normalization."""
    norm = name.replace("conv", "bn") if "conv" in name else f"{name}_bn"
    return (Conv(features, window, stride, window // 2, bias=False, name=name), BatchNorm(name=norm))


def basic(width: int, stride: int) -> Layers:
    """Two 3x3 convolutions (figure 5, left)."""
    return (*conv(width, 3, stride, "conv1"), RELU, *conv(width, 3, 1, "conv2"))


def bottleneck(width: int, first: int, second: int) -> Layers:
    """1x1, 3x3 and 1x1 to four times the width (figure 5, right), with the strides of the first two."""
    return (
        *(*conv(width, 1, first, "conv1"), RELU),
        *(*conv(width, 3, second, "conv2"), RELU),
        *conv(4 * width, 1, 1, "conv3"),
    )


def stages(depth: int, stride_on_3x3: bool) -> Layers:
    """conv2_x to conv5_x of a column of table 1; the first block of each projects its shortcut (option B)."""
    groups: list[Layer] = []
    for number, (blocks, width) in enumerate(zip(BLOCKS[depth], WIDTHS, strict=True), 2):
        inside: list[Layer] = []
        for place in range(1, blocks + 1):
            stride = 2 if place == 1 and number > 2 else 1
            if depth in BOTTLENECKS:
                body = bottleneck(width, 1, stride) if stride_on_3x3 else bottleneck(width, stride, 1)
                projected = place == 1
            else:
                body, projected = basic(width, stride), stride > 1
            out = 4 * width if depth in BOTTLENECKS else width
            shortcut = conv(out, 1, stride, "projection") if projected else ()
            inside.append(Group((Residual(body, shortcut), RELU), name=f"block{place}"))
        groups.append(Group(tuple(inside), name=f"conv{number}"))
    return tuple(groups)


STEM = (*conv(64, 7, 2, "conv1"), RELU, Pool("max", 3, 2, 1, name="pool1"))
CIFAR_STEM = (*conv(64, 3, 1, "conv1"), RELU)


def resnet(
    name: str,
    depth: int,
    variant: str,
    stride_on_3x3: bool = True,
    stem: Layers = STEM,
    side: int = 224,
    classes: int = 1000,
    top5_error: float = 0.0,
) -> Network:
    """A column of table 1 with `depth` weight layers."""
    return Network(
        name,
        (side, side, 3),
        (*stem, *stages(depth, stride_on_3x3), GlobalPool(name="pool5"), Dense(classes, name="fc")),
        paper=HE_2016,
        year=2015,
        table=f"table 1, {depth} layers",
        variant=variant,
        top5_error=top5_error,
        init="he-normal",
    )


def cifar(name: str, depth: int, shortcuts: bool) -> Network:
    """Section 4.2: 6n + 2 layers of 16, 32 and 64 maps; shortcuts pad with zeros (option A), or there are none."""
    blocks = (depth - 2) // 6
    groups: list[Layer] = []
    for number, width in enumerate((16, 32, 64), 2):
        inside: list[Layer] = []
        for place in range(1, blocks + 1):
            stride = 2 if place == 1 and number > 2 else 1
            body = basic(width, stride)
            shortcut = (PadShortcut(width, stride, name="shortcut"),) if stride > 1 else ()
            inside.append(Group((*((Residual(body, shortcut),) if shortcuts else body), RELU), name=f"block{place}"))
        groups.append(Group(tuple(inside), name=f"conv{number}"))
    kind = "shortcuts padded with zeros (option A)" if shortcuts else f"the layers of resnet{depth} without shortcuts"
    return Network(
        name,
        (32, 32, 3),
        (*conv(16, 3, 1, "conv1"), RELU, *groups, GlobalPool(name="pool"), Dense(10, name="fc")),
        paper=HE_2016,
        year=2015,
        table=f"section 4.2, table 6, n = {blocks}",
        variant=f"for 32x32 images: {kind}",
        init="he-normal",
    )


CUSTOM, PAPER = "stride on the 3x3 (v1.5), as everybody trains it", "as published: stride on the 1x1"
BASIC = "as published: blocks of two 3x3"

NETWORKS = {
    "resnet18": partial(resnet, "resnet18", 18, BASIC),
    "resnet34": partial(resnet, "resnet34", 34, BASIC),
    "resnet50": partial(resnet, "resnet50", 50, CUSTOM),
    "resnet101": partial(resnet, "resnet101", 101, CUSTOM),
    "resnet152": partial(resnet, "resnet152", 152, CUSTOM, top5_error=3.57),
    "resnet50-v1": partial(resnet, "resnet50-v1", 50, PAPER, False),
    "resnet101-v1": partial(resnet, "resnet101-v1", 101, PAPER, False),
    "resnet152-v1": partial(resnet, "resnet152-v1", 152, PAPER, False, top5_error=3.57),
    "resnet18-cifar": partial(
        resnet, "resnet18-cifar", 18, "for 32x32 images: 3x3 stem without pooling", stem=CIFAR_STEM, side=32, classes=10
    ),
    **{f"resnet{depth}": partial(cifar, f"resnet{depth}", depth, True) for depth in (20, 32, 44, 56, 110)},
    **{f"plain{depth}": partial(cifar, f"plain{depth}", depth, False) for depth in (20, 56)},
}
