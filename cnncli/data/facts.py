"""What is published about each dataset, as values: shapes, classes, counts, statistics, files and their checksums."""

from dataclasses import dataclass
from typing import Any

from cnncli.errors import UsageError, nearest

SPLITS = ("train", "test")
# What describes the images that a network was trained on.
KEPT = ("shape", "classes", "mean", "deviation", "fit")


@dataclass(frozen=True)
class File:
    """One file: its size in bytes, its SHA-256 or how that begins, and where it is served (tried in this order)."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What is known about a dataset before a byte of it is read.

    `shape` is (height, width, channels). `mean` and `deviation` are per channel, of the training split, on the 0..1
    scale. `fit` says how an image meets a network with another input size: "pad" or "resize".
    """

    name: str
    title: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    train: int
    test: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    fit: str
    source: str
    files: tuple[File, ...] = ()

    def count(self, split: str) -> int:
        """Return how many images the split ("train" or "test") has; raises UsageError for another name."""
        if split not in SPLITS:
            raise UsageError(f"no split named '{split}': expected 'train' or 'test'")
        return self.train if split == "train" else self.test

    def to_table(self) -> dict[str, Any]:
        """What a run keeps of it, so that its network can be used where the dataset is not."""
        return {key: getattr(self, key) for key in KEPT}

    @classmethod
    def of(cls, name: str, table: dict[str, Any]) -> "Facts":
        """The facts of a dataset that a run has kept; its images are not counted."""
        kept = {key: tuple(table[key]) for key in KEPT if key != "fit"}
        return cls(name, name, train=0, test=0, fit=table["fit"], source="", **kept)


# Sizes and SHA-256 digests of the four files of MNIST, of Fashion-MNIST and of the two binary CIFAR archives are those
# that TensorFlow Datasets publishes and checks (its url_checksums folder).
_MNIST_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
_FASHION_MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
_CIFAR_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)


def _file(name: str, size: int, sha256: str, mirrors: tuple[str, ...]) -> File:
    return File(name, size, sha256, tuple(mirror + name for mirror in mirrors))


_DIGITS = Facts(
    name="digits",
    title="Optical recognition of handwritten digits, the test part, as scikit-learn bundles it",
    shape=(8, 8, 1),
    classes=tuple("0123456789"),
    train=1_437,
    test=360,
    mean=(0.305434,),
    deviation=(0.375957,),
    fit="resize",
    source="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998",
)

_MNIST = Facts(
    name="mnist",
    title="MNIST handwritten digits",
    shape=(28, 28, 1),
    classes=tuple("0123456789"),
    train=60_000,
    test=10_000,
    mean=(0.130660,),
    deviation=(0.308108,),
    fit="pad",
    source="LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998",
    files=(
        _file(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            _MNIST_MIRRORS,
        ),
        _file(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            _MNIST_MIRRORS,
        ),
        _file(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            _MNIST_MIRRORS,
        ),
        _file(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            _MNIST_MIRRORS,
        ),
    ),
)

_FASHION_MNIST = Facts(
    name="fashion_mnist",
    title="Fashion-MNIST articles of clothing",
    shape=(28, 28, 1),
    classes=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    train=60_000,
    test=10_000,
    # The widely published figures; not recomputed by our tests.
    mean=(0.2860,),
    deviation=(0.3530,),
    fit="pad",
    source="Xiao, Rasul and Vollgraf, Fashion-MNIST, arXiv:1708.07747, 2017",
    files=(
        _file(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            _FASHION_MIRRORS,
        ),
        _file(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            _FASHION_MIRRORS,
        ),
        _file(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            _FASHION_MIRRORS,
        ),
        _file(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            _FASHION_MIRRORS,
        ),
    ),
)

_CIFAR10 = Facts(
    name="cifar10",
    title="CIFAR-10 small photographs",
    shape=(32, 32, 3),
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    train=50_000,
    test=10_000,
    mean=(0.491400, 0.482158, 0.446531),
    deviation=(0.247032, 0.243485, 0.261588),
    fit="resize",
    source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    files=(
        _file(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            _CIFAR_MIRRORS,
        ),
    ),
)

_CIFAR100_CLASSES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
    castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
    elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
    man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
    pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
    skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
    tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""

_CIFAR100 = Facts(
    name="cifar100",
    title="CIFAR-100 small photographs, fine labels",
    shape=(32, 32, 3),
    classes=tuple(_CIFAR100_CLASSES.split()),
    train=50_000,
    test=10_000,
    # The widely published figures; not recomputed by our tests.
    mean=(0.5071, 0.4865, 0.4409),
    deviation=(0.2673, 0.2564, 0.2762),
    fit="resize",
    source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
    files=(
        _file(
            "cifar-100-binary.tar.gz",
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            _CIFAR_MIRRORS,
        ),
    ),
)

DATASETS: dict[str, Facts] = {facts.name: facts for facts in (_DIGITS, _MNIST, _FASHION_MNIST, _CIFAR10, _CIFAR100)}


def find(name: str) -> Facts:
    """Return the facts of the dataset of this name; raises UsageError naming the nearest ones."""
    if name not in DATASETS:
        raise UsageError(f"no dataset named '{name}'{nearest(name, DATASETS)}")
    return DATASETS[name]
