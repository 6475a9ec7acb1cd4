"""The recipes that come with cnncli, as tables: those of the texts, and what suits each dataset."""

from typing import Any

Table = dict[str, Any]

# As Keras 2 ran its examples: the whole training split, the rate constant, nothing chosen.
_KERAS: Table = {
    "batch_size": 128,
    "validation": 0.0,
    "scaling": "unit",
    "init": "glorot-uniform",
    "optimizer": {"name": "adadelta", "lr": 1.0, "rho": 0.95, "epsilon": 1e-7},
    "schedule": {"name": "constant"},
}

# By network, then by name.
RECIPES: dict[str, dict[str, Table]] = {
    "lenet5-keras": {
        # 98.71 % on MNIST's test split, loss 0.0358, as the article prints it.
        "keras-article": {**_KERAS, "epochs": 12, "source": "the Keras article: Adadelta, batch 128, 12 epochs"},
    },
    "mnist-convnet": {
        # 98.76 % on MNIST's test split, loss 0.0365, as the chapter prints it; its optimizer is inferred.
        "chapter": {**_KERAS, "epochs": 5, "source": "textbook chapter on ConvNets, 12.7.2: 5 epochs, batch 128"},
    },
}

# Handwriting stays itself under small rotations, shifts and shears; what else is in a picture may not be mirrored here.
_HANDWRITING: Table = {"name": "affine", "degrees": 10.0, "scale": 0.1, "shear": 0.1, "shift": 0.06}

DATASETS: dict[str, Table] = {
    # A tenth of 1,437 images is too few to choose an epoch by.
    "digits": {"epochs": 40, "batch_size": 32, "validation": 0.2, "augment": _HANDWRITING},
    "mnist": {"augment": _HANDWRITING},
    "fashion_mnist": {"augment": {"name": "shift", "pixels": 1}},
    "cifar10": {"augment": {"name": "shift", "pixels": 4}},
    "cifar100": {"augment": {"name": "shift", "pixels": 4}},
}
