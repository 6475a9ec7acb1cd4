"""Weights that are published for networks of the catalogue, as values; nothing here opens a connection.

Addresses, sizes and accuracies of torchvision's are those that it publishes beside its models; the names of its files
have the first eight digits of their SHA-256. timm's accuracies are those of its results for ImageNet at 224 pixels.
"""

from dataclasses import dataclass, replace

from cnncli.errors import UsageError, nearest
from cnncli.weights.preprocessing import IMAGENET, Preprocessing

BSD, APACHE = "BSD-3-Clause", "Apache-2.0"
# Names of ImageNet's classes, one a line, in the order that all of these have.
LABELS = "https://raw.githubusercontent.com/pytorch/hub/master/imagenet_classes.txt"
TORCHVISION, HUB = "https://download.pytorch.org/models", "https://huggingface.co"
# What Hugging Face calls a repository's tensors.
HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class Published:
    """Weights by the name that `weights fetch` takes, and the network of the catalogue that they are of.

    `address` is of a file, or of a repository of Hugging Face; `sha256` how the file's digest begins, empty where that
    is not known, as `mebibytes` and the accuracies (fractions) are 0. `transform_input`: torchvision's network puts
    another scaling before itself, which `preprocessing` has in it.
    """

    name: str
    network: str
    address: str
    licence: str
    preprocessing: Preprocessing
    mebibytes: float = 0.0
    top1: float = 0.0
    top5: float = 0.0
    sha256: str = ""
    transform_input: bool = False
    labels: str = LABELS

    @property
    def repository(self) -> str:
        """Hugging Face's name of the repository; empty where the address is of a file."""
        return self.address.removeprefix(f"{HUB}/") if self.address.startswith(HUB) else ""

    @property
    def file(self) -> str:
        """The name of the file on disk."""
        return HUB_FILE if self.repository else self.address.rpartition("/")[2]


def _torchvision(name: str, network: str, stem: str, size: float, top1: float, top5: float) -> Published:
    """A file of torchvision; accuracies in percent."""
    how = replace(IMAGENET, resize=232) if name.endswith("-v2") else IMAGENET
    ported = network == "googlenet-torchvision"
    return Published(
        f"torchvision/{name}",
        network,
        f"{TORCHVISION}/{stem}.pth",
        BSD,
        how.transformed() if ported else how,
        size,
        round(top1 / 100, 5),
        round(top5 / 100, 5),
        stem.rpartition("-")[2],
        ported,
    )


def _timm(depth: int, top1: float, top5: float) -> Published:
    """A ResNet of timm's recipe A1 (arXiv:2110.00476), by a crop of 95 % of 235 pixels; accuracies in percent."""
    how = replace(IMAGENET, resize=235, interpolation="bicubic")
    name = f"timm/resnet{depth}.a1_in1k"
    return Published(
        name, f"resnet{depth}", f"{HUB}/{name}", APACHE, how, top1=round(top1 / 100, 5), top5=round(top5 / 100, 5)
    )


_ALL = (
    _torchvision("alexnet", "alexnet-torchvision", "alexnet-owt-7be5be79", 233.087, 56.522, 79.066),
    _torchvision("vgg11", "vgg11", "vgg11-8a719046", 506.84, 69.020, 88.628),
    _torchvision("vgg11-bn", "vgg11-bn", "vgg11_bn-6002323d", 506.881, 70.370, 89.810),
    _torchvision("vgg13", "vgg13", "vgg13-19584684", 507.545, 69.928, 89.246),
    _torchvision("vgg13-bn", "vgg13-bn", "vgg13_bn-abd245e5", 507.59, 71.586, 90.374),
    _torchvision("vgg16", "vgg16", "vgg16-397923af", 527.796, 71.592, 90.382),
    _torchvision("vgg16-bn", "vgg16-bn", "vgg16_bn-6c64b313", 527.866, 73.360, 91.516),
    _torchvision("vgg19", "vgg19", "vgg19-dcbb9e9d", 548.051, 72.376, 90.876),
    _torchvision("vgg19-bn", "vgg19-bn", "vgg19_bn-c79401a0", 548.143, 74.218, 91.842),
    _torchvision("googlenet", "googlenet-torchvision", "googlenet-1378be20", 49.731, 69.778, 89.530),
    _torchvision("resnet18", "resnet18", "resnet18-f37072fd", 44.661, 69.758, 89.078),
    _torchvision("resnet34", "resnet34", "resnet34-b627a593", 83.275, 73.314, 91.420),
    _torchvision("resnet50", "resnet50", "resnet50-0676ba61", 97.781, 76.130, 92.862),
    _torchvision("resnet50-v2", "resnet50", "resnet50-11ad3fa6", 97.79, 80.858, 95.434),
    _torchvision("resnet101", "resnet101", "resnet101-63fe2227", 170.511, 77.374, 93.546),
    _torchvision("resnet101-v2", "resnet101", "resnet101-cd907fc2", 170.53, 81.886, 95.780),
    _torchvision("resnet152", "resnet152", "resnet152-394f9c45", 230.434, 78.312, 94.046),
    _torchvision("resnet152-v2", "resnet152", "resnet152-f82ba261", 230.474, 82.284, 96.002),
    _timm(18, 71.504, 90.086),
    _timm(34, 76.420, 92.896),
    _timm(50, 80.382, 94.598),
    _timm(101, 81.494, 95.164),
    _timm(152, 81.998, 95.294),
    Published(
        "microsoft/resnet-50",
        "resnet50",
        f"{HUB}/microsoft/resnet-50",
        APACHE,
        replace(IMAGENET, interpolation="bicubic"),
    ),
)

PUBLISHED: dict[str, Published] = {one.name: one for one in _ALL}


def find(name: str) -> Published:
    """The weights of this name; raises UsageError naming the nearest ones."""
    if name not in PUBLISHED:
        raise UsageError(
            f"no published weights named '{name}'{nearest(name, PUBLISHED)} (cnncli weights list shows all)"
        )
    return PUBLISHED[name]
