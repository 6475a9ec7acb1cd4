"""LeNet5 as published, as taught, as the Keras article has it, and with what later networks brought."""

from cnncli.networks.layers import (
    Activation,
    Conv,
    Dense,
    Flatten,
    PartialConv,
    Pool,
    RadialBasis,
    Subsample,
)
from cnncli.networks.network import Network

LECUN_1998 = "LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition"

# Table I: the S2 maps that each of C3's sixteen maps takes from.
C3_TABLE = (
    *(tuple(sorted((i + step) % 6 for step in range(3))) for i in range(6)),
    *(tuple(sorted((i + step) % 6 for step in range(4))) for i in range(6)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

# Stylized digits, 7 wide and 12 high, in the manner of figure 3; drawn for this project, not copied from the figure.
DIGIT_CODES = (
    "....... ..###.. .##.##. ##...## ##...## ##...## ##...## ##...## ##...## .##.##. ..###.. .......",
    "....... ...##.. ..###.. .####.. ...##.. ...##.. ...##.. ...##.. ...##.. ...##.. .###### .......",
    "....... .#####. ##...## ##...## .....## ....##. ...##.. ..##... .##.... ##..... ####### .......",
    "....... ####### .....## ....##. ...##.. ..####. .....## .....## .....## ##...## .#####. .......",
    "....... ....##. ...###. ..####. .##.##. ##..##. ##..##. ####### ....##. ....##. ....##. .......",
    "....... ####### ##..... ##..... ##..... ######. .....## .....## .....## ##...## .#####. .......",
    "....... ..####. .##.... ##..... ##..... ##.###. ###..## ##...## ##...## ##...## .#####. .......",
    "....... ####### ##...## .....## ....##. ....##. ...##.. ...##.. ..##... ..##... ..##... .......",
    "....... .#####. ##...## ##...## ##...## .#####. ##...## ##...## ##...## ##...## .#####. .......",
    "....... .#####. ##...## ##...## ##...## .###### .....## .....## .....## ....##. .####.. .......",
)


def lenet5(name: str, variant: str, activation: str, pool: str, init: str) -> Network:
    """The widths everybody teaches, 6-16-120-84-10, on 32x32 images."""
    return Network(
        name,
        (32, 32, 1),
        (
            *(Conv(6, 5, name="c1"), Activation(activation), Pool(pool, 2, 2, name="s2")),
            *(Conv(16, 5, name="c3"), Activation(activation), Pool(pool, 2, 2, name="s4")),
            Flatten(),
            *(Dense(120, name="c5"), Activation(activation)),
            *(Dense(84, name="f6"), Activation(activation)),
            Dense(10, name="output"),
        ),
        paper=LECUN_1998,
        year=1998,
        table="figure 2",
        variant=variant,
        init=init,
    )


def lenet5_taught() -> Network:
    """LeNet5 as courses teach it: every C3 map sees all of S2, plain average pooling, softmax over ten logits."""
    variant = "as taught: full C3, tanh, average pooling, softmax"
    return lenet5("lenet5", variant, "tanh", "average", "glorot-uniform")


def lenet5_modern() -> Network:
    """The same widths with ReLU and max-pooling."""
    return lenet5("lenet5-modern", "the widths of lenet5 with ReLU and max-pooling", "relu", "max", "he-normal")


def lenet5_1998() -> Network:
    """LeNet5 as published: sparse C3, trainable subsampling, scaled tanh, distances to fixed codes."""
    squash = Activation("scaled-tanh")
    return Network(
        "lenet5-1998",
        (32, 32, 1),
        (
            *(Conv(6, 5, name="c1"), squash, Subsample(2, 2, name="s2"), squash),
            *(PartialConv(C3_TABLE, 5, name="c3"), squash, Subsample(2, 2, name="s4"), squash),
            *(Conv(120, 5, name="c5"), squash, Flatten()),
            *(Dense(84, name="f6"), squash),
            RadialBasis(DIGIT_CODES, name="output"),
        ),
        paper=LECUN_1998,
        year=1998,
        table="section II.B, table I, figures 2 and 3",
        variant="as published: sparse C3, trainable subsampling, scaled tanh, Euclidean RBF output (own bitmaps)",
        init="lecun-1998",
    )


def lenet5_keras() -> Network:
    """LeNet5 of the Keras article: 28x28 images, tanh convolutions, sigmoid dense layers."""
    return Network(
        "lenet5-keras",
        (28, 28, 1),
        (
            *(Conv(6, 5, name="conv1"), Activation("tanh"), Pool("average", 2, 2, name="pool1")),
            *(Conv(16, 5, name="conv2"), Activation("tanh"), Pool("average", 2, 2, name="pool2")),
            Flatten(),
            *(Dense(120, name="dense1"), Activation("sigmoid")),
            *(Dense(84, name="dense2"), Activation("sigmoid")),
            Dense(10, name="dense3"),
        ),
        paper="the Keras article on LeNet5 and AlexNet",
        table="its LeNet5 model summary",
        variant="28x28 input, tanh convolutions, average pooling, sigmoid dense layers",
    )


NETWORKS = {
    "lenet5": lenet5_taught,
    "lenet5-1998": lenet5_1998,
    "lenet5-keras": lenet5_keras,
    "lenet5-modern": lenet5_modern,
}
