"""What other frameworks call the layers of the catalogue's networks, as tables."""

import re
from collections.abc import Iterator

from cnncli.networks import resnet, vgg
from cnncli.networks.googlenet import MODULES
from cnncli.networks.layers import BatchNorm, Conv

# A layer's path here, and what the framework puts before `.weight` and `.bias`.
Table = dict[str, str]
# Of each block of a ResNet its stage and its place there, from 0, and how many convolutions its body has.
Blocks = tuple[tuple[int, int, int], ...]


def tables(network: str) -> dict[str, Table]:
    """The tables for a network of the catalogue by who names so; none where nobody else has just this network.

    torchvision's strides are on the 3x3 of a bottleneck: nobody's names fit `resnet50-v1`.
    """
    if network == "alexnet-torchvision":
        return {"torchvision": _alexnet()}
    if network == "googlenet-torchvision":
        return {"torchvision": dict(_googlenet())}
    if found := re.fullmatch(r"vgg(11|13|16|19)(-bn)?", network):
        return {"torchvision": _vgg(int(found[1]), bool(found[2]))}
    if found := re.fullmatch(r"resnet(18|34|50|101|152)(-cifar)?", network):
        blocks = _blocks(int(found[1]))
        return {"torchvision": dict(_resnet(blocks)), "Hugging Face": dict(_hugging_face(blocks))}
    return {}


def _alexnet() -> Table:
    """torchvision's."""
    convolutions = {f"conv{place}": f"features.{at}" for place, at in enumerate((0, 3, 6, 8, 10), 1)}
    return {**convolutions, "fc6": "classifier.1", "fc7": "classifier.4", "fc8": "classifier.6"}


def _vgg(depth: int, norm: bool) -> Table:
    """torchvision numbers every layer of the convolutional part, ReLUs and poolings too."""
    numbered = enumerate(vgg.features(depth, norm))
    table = {layer.name: f"features.{at}" for at, layer in numbered if isinstance(layer, Conv | BatchNorm)}
    return {**table, "fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}


# torchvision's names in an Inception module; each convolution has its batch normalization.
WAYS = {
    "1x1": "branch1",
    "3x3_reduce": "branch2.0",
    "3x3": "branch2.1",
    "5x5_reduce": "branch3.0",
    "5x5": "branch3.1",
    "pool_proj": "branch4.1",
}


def _googlenet() -> Iterator[tuple[str, str]]:
    """torchvision's."""
    normalized = {"conv1": "conv1", "conv2_reduce": "conv2", "conv2": "conv3"}
    normalized |= {f"inception{name}/{ours}": f"inception{name}.{WAYS[ours]}" for name in MODULES for ours in WAYS}
    heads = {"head4a": "aux1", "head4d": "aux2"}
    normalized |= {f"{ours}/conv": f"{theirs}.conv" for ours, theirs in heads.items()}
    for ours, theirs in normalized.items():
        yield from ((ours, f"{theirs}.conv"), (f"{ours}_bn", f"{theirs}.bn"))
    for ours, theirs in heads.items():
        yield from ((f"{ours}/{dense}", f"{theirs}.{dense}") for dense in ("fc1", "fc2"))
    yield "fc", "fc"


def _blocks(depth: int) -> Blocks:
    convolutions = 3 if depth in resnet.BOTTLENECKS else 2
    stages = enumerate(resnet.BLOCKS[depth])
    return tuple((stage, place, convolutions) for stage, blocks in stages for place in range(blocks))


def _resnet(blocks: Blocks) -> Iterator[tuple[str, str]]:
    """torchvision's, which are timm's."""
    yield from (("conv1", "conv1"), ("bn1", "bn1"), ("fc", "fc"))
    for stage, place, convolutions in blocks:
        ours, theirs = f"conv{stage + 2}/block{place + 1}", f"layer{stage + 1}.{place}"
        for number in range(1, convolutions + 1):
            yield from ((f"{ours}/{word}{number}", f"{theirs}.{word}{number}") for word in ("conv", "bn"))
        yield f"{ours}/projection", f"{theirs}.downsample.0"
        yield f"{ours}/projection_bn", f"{theirs}.downsample.1"


def _hugging_face(blocks: Blocks) -> Iterator[tuple[str, str]]:
    """Those of Hugging Face's ResNetForImageClassification."""
    stem, words = "resnet.embedder.embedder", (("conv", "convolution"), ("bn", "normalization"))
    yield from ((f"{ours}1", f"{stem}.{theirs}") for ours, theirs in words)
    yield "fc", "classifier.1"
    for stage, place, convolutions in blocks:
        ours, theirs = f"conv{stage + 2}/block{place + 1}", f"resnet.encoder.stages.{stage}.layers.{place}"
        for number in range(convolutions):
            yield from ((f"{ours}/{word}{number + 1}", f"{theirs}.layer.{number}.{name}") for word, name in words)
        for ours_, name in (("projection", "convolution"), ("projection_bn", "normalization")):
            yield f"{ours}/{ours_}", f"{theirs}.shortcut.{name}"
