"""What other frameworks call the layers of the catalogue's networks, as tables."""

from collections.abc import Iterator

from cnncli.networks.layers import BatchNorm, Conv, Dense
from cnncli.networks.network import Network
from cnncli.networks.resnet import BLOCKS

# A layer's path here, and what the framework puts before `.weight` and `.bias`.
Table = dict[str, str]

ALEXNET: Table = {
    **{f"conv{place}": f"features.{at}" for place, at in enumerate((0, 3, 6, 8, 10), 1)},
    **{f"fc{place}": f"classifier.{at}" for place, at in ((6, 1), (7, 4), (8, 6))},
}

# Branches of an Inception module; each convolution has its batch normalization.
_BRANCHES = {
    "1x1": "branch1",
    "3x3_reduce": "branch2.0",
    "3x3": "branch2.1",
    "5x5_reduce": "branch3.0",
    "5x5": "branch3.1",
    "pool_proj": "branch4.1",
}
_MODULES = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")


def _with_norm(ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    yield ours, f"{theirs}.conv"
    yield f"{ours}_bn", f"{theirs}.bn"


def _googlenet() -> Iterator[tuple[str, str]]:
    for ours, theirs in (("conv1", "conv1"), ("conv2_reduce", "conv2"), ("conv2", "conv3")):
        yield from _with_norm(ours, theirs)
    for name in _MODULES:
        for ours, theirs in _BRANCHES.items():
            yield from _with_norm(f"inception{name}/{ours}", f"inception{name}.{theirs}")
    for ours, theirs in (("head4a", "aux1"), ("head4d", "aux2")):
        yield from _with_norm(f"{ours}/conv", f"{theirs}.conv")
        yield from ((f"{ours}/{dense}", f"{theirs}.{dense}") for dense in ("fc1", "fc2"))
    yield "fc", "fc"


GOOGLENET: Table = dict(_googlenet())


def vgg(network: Network) -> Table:
    """torchvision numbers every layer of the convolutional part, ReLUs and poolings too."""
    convolutional = [layer for layer in network.named() if not isinstance(layer, Dense)]
    numbered = {layer.name: f"features.{at}" for at, layer in enumerate(convolutional)}
    kept = {layer.name: numbered[layer.name] for layer in convolutional if isinstance(layer, Conv | BatchNorm)}
    return kept | {"fc6": "classifier.0", "fc7": "classifier.3", "fc8": "classifier.6"}


def resnet(depth: int) -> Table:
    """torchvision's, which timm shares."""
    table = {"conv1": "conv1", "bn1": "bn1", "fc": "fc"}
    for stage, blocks in enumerate(BLOCKS[depth], 1):
        for block in range(blocks):
            ours, theirs = f"conv{stage + 1}/block{block + 1}", f"layer{stage}.{block}"
            for place in range(1, (3 if depth >= 50 else 2) + 1):
                table |= {f"{ours}/conv{place}": f"{theirs}.conv{place}", f"{ours}/bn{place}": f"{theirs}.bn{place}"}
            table |= {f"{ours}/projection": f"{theirs}.downsample.0"}
            table |= {f"{ours}/projection_bn": f"{theirs}.downsample.1"}
    return table


def hugging_face(depth: int) -> Table:
    """Those of Hugging Face's ResNetForImageClassification."""
    embedder, encoder = "resnet.embedder.embedder", "resnet.encoder.stages"
    table = {"conv1": f"{embedder}.convolution", "bn1": f"{embedder}.normalization", "fc": "classifier.1"}
    for stage, blocks in enumerate(BLOCKS[depth]):
        for block in range(blocks):
            ours, theirs = f"conv{stage + 2}/block{block + 1}", f"{encoder}.{stage}.layers.{block}"
            for place in range(3 if depth >= 50 else 2):
                table |= {f"{ours}/conv{place + 1}": f"{theirs}.layer.{place}.convolution"}
                table |= {f"{ours}/bn{place + 1}": f"{theirs}.layer.{place}.normalization"}
            table |= {f"{ours}/projection": f"{theirs}.shortcut.convolution"}
            table |= {f"{ours}/projection_bn": f"{theirs}.shortcut.normalization"}
    return table
