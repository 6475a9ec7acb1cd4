"""The recipes that come with cnncli, as tables: those of the texts and papers, and what suits each dataset."""

from typing import Any

Table = dict[str, Any]

# As Keras 2 ran its examples: the whole training split, the last batch smaller, the rate constant, nothing chosen.
_KERAS: Table = {
    "precision": "float32",
    "batch_size": 128,
    "validation": 0.0,
    "last_batch": "train",
    "scaling": "unit",
    "init": "glorot-uniform",
    "optimizer": {"name": "adadelta", "lr": 1.0, "rho": 0.95, "epsilon": 1e-7},
    "schedule": {"name": "constant"},
}


def pictures(side: int = 32) -> list[Table]:
    """The small photographs' augmentation: padded by 4 pixels of their 32, or as much of an enlarged side; mirrored.

    He et al. 2016, section 4.2.
    """
    return [{"name": "crop", "padding": max(4, side // 8)}, {"name": "mirror"}]


_PICTURES = pictures()

# Krizhevsky et al. 2012, section 5: the rate is divided by 10 when the validation error stalls, three times.
_ALEXNET: Table = {
    "batch_size": 128,
    "epochs": 90,
    "init": "normal-0.01",
    "scaling": "mean-image",
    "optimizer": {"name": "alexnet-sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4},
    "schedule": {"name": "plateau", "factor": 0.1, "patience": 5, "minimum": 1e-5, "by": "val_accuracy"},
    "augment": [*_PICTURES, {"name": "pca-noise"}],
    "source": "Krizhevsky et al. 2012, section 5",
}

# He et al. 2016, section 4.2: 64,000 steps on 45,000 images, the rate divided by 10 at 32,000 and 48,000.
_RESNET: Table = {
    "dataset": "cifar10",
    "batch_size": 128,
    "epochs": 182,
    "validation": 0.1,
    "init": "he-normal",
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4},
    "schedule": {"name": "step", "at": [0.5, 0.75], "factor": 0.1},
    "augment": _PICTURES,
    "source": "He et al. 2016, section 4.2",
}

# There: 0.1 is too much for 110 layers to begin with; they had 0.01 for some 400 steps.
_RESNET110: Table = {**_RESNET, "schedule": {**_RESNET["schedule"], "warmup": 400 / 64_000}}

# What has become usual on CIFAR-10 since: Nesterov's momentum along a cosine, smoothed labels.
_MODERN: Table = {
    "dataset": "cifar10",
    "batch_size": 128,
    "epochs": 200,
    "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4},
    "schedule": {"name": "cosine", "warmup": 0.02},
    "label_smoothing": 0.1,
    "augment": _PICTURES,
    "source": "SGD with Nesterov's momentum along a cosine, crops, mirroring, smoothed labels",
}

# DeVries and Taylor 2017, table 1: with a square of 16 pixels hidden, ResNet18's error falls from 4.72 to 3.99 %.
_HIDDEN: Table = {
    **_MODERN,
    "augment": [*_PICTURES, {"name": "cutout", "size": 16}],
    "source": f"{_MODERN['source']}, cutout (DeVries and Taylor 2017)",
}

# The CIFAR ResNets are too small to overfit: no smoothed labels, and batches of 256, as the log of
# pytorch-cifar-models (Y. Chen 2021) has it: 92.60 % for ResNet20, the best of its epochs on the test split.
_SMALL: Table = {
    **{key: value for key, value in _MODERN.items() if key != "label_smoothing"},
    "batch_size": 256,
    "source": "SGD with Nesterov's momentum along a cosine, batch 256 (pytorch-cifar-models, Y. Chen 2021)",
}

# By network, then by name.
RECIPES: dict[str, dict[str, Table]] = {
    "lenet5-keras": {
        "keras-article": {
            **_KERAS,
            "dataset": "mnist",
            "epochs": 12,
            "source": "the Keras article: Adadelta, batch 128, 12 epochs",
            "expected": "98.71 % on the test split, loss 0.0358, as the article prints it (one run)",
        },
    },
    "mnist-convnet": {
        "chapter": {
            **_KERAS,
            "dataset": "mnist",
            "epochs": 5,
            "source": "textbook chapter on ConvNets, 12.7.2: 5 epochs, batch 128; the optimizer is inferred",
            "expected": "98.76 % on the test split, loss 0.0365, as the chapter prints it (one run)",
        },
    },
    "lenet5-modern": {
        "distortions": {
            "dataset": "mnist",
            "epochs": 60,
            "optimizer": {"name": "adamw", "lr": 4e-3, "weight_decay": 0.1},
            "augment": {"name": "affine", "degrees": 15.0, "scale": 0.15, "shear": 0.15, "shift": 0.08},
            "average": 0.999,
            "source": "affine distortions (LeCun et al. 1998, section III.C), averaged weights",
        },
    },
    # Section 4.1 there cuts 224 of 256 pixels.
    "alexnet": {"paper": {**_ALEXNET, "augment": [{"name": "crop", "padding": 16}, *_ALEXNET["augment"][1:]]}},
    "alexnet-cifar10": {
        "keras-article": {
            **_KERAS,
            "dataset": "cifar10",
            "batch_size": 32,
            "epochs": 50,
            "source": "the Keras article: Adadelta, batch 32, 50 epochs",
            "expected": "about 77 % in training, 55.49 % on the test split (one run): it overfits",
        },
        "paper": {**_ALEXNET, "dataset": "cifar10", "scaling": "standard"},
        "modern": {
            **_MODERN,
            "epochs": 120,
            "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4},
            "expected": "75 % on the test split (once, on a GPU)",
        },
    },
    "alexnet-torchvision": {
        "torch-article": {
            "dataset": "cifar10",
            "epochs": 50,
            "batch_size": 64,
            "validation": 0.2,
            "scaling": "symmetric",
            "fit": "resize",
            "precision": "float32",
            "last_batch": "train",
            # PyTorch's own. The article's (`torch-article`: He's dense layers behind biases of 1) cannot have given its
            # curves: at this rate and momentum the loss leaps to 90 and above within four steps, the dense layers'
            # units die, and it stays at 2.30, here as in PyTorch itself.
            "init": "torch",
            "choose": "loss",
            "optimizer": {"name": "sgd", "lr": 0.01, "momentum": 0.9},
            "schedule": {"name": "plateau", "factor": 0.5, "patience": 3, "minimum": 1e-6},
            "stop": {"name": "early", "patience": 7},
            "source": "the third article: CIFAR-10 at 224x224, 80/20, batch 64, plateau, early stopping",
            "expected": "stops after epoch 21, its best is 14; the article prints no test accuracy",
        },
    },
    **{f"resnet{depth}": {"paper": _RESNET, "modern": _SMALL} for depth in (20, 32, 44, 56)},
    "resnet110": {"paper": _RESNET110, "modern": _SMALL},
    **{f"plain{depth}": {"paper": _RESNET} for depth in (20, 56)},
    "vgg16-bn-cifar": {
        "modern": {
            **_HIDDEN,
            "optimizer": {**_MODERN["optimizer"], "lr": 0.05},
            "expected": "94.0 to 94.2 %, as published",
        },
    },
    "resnet18-cifar": {"modern": {**_HIDDEN, "expected": "93.0 % as commonly trained, 96.0 % well trained"}},
    "googlenet-cifar": {"modern": {**_MODERN, "expected": "92.85 %, as published"}},
}

# Handwriting stays itself under small rotations, shifts and shears; what else is in a picture may not be mirrored here.
_HANDWRITING: Table = {"name": "affine", "degrees": 10.0, "scale": 0.1, "shear": 0.1, "shift": 0.06}

DATASETS: dict[str, Table] = {
    # A tenth of 1,437 images is too few to choose an epoch by.
    "digits": {"epochs": 40, "batch_size": 32, "validation": 0.2, "augment": _HANDWRITING},
    "mnist": {"augment": _HANDWRITING},
    "fashion_mnist": {"augment": {"name": "shift", "pixels": 1}},
    "cifar10": {"augment": _PICTURES},
    "cifar100": {"augment": _PICTURES},
}

# Of people's own images: few, most often, and most of what is photographed may be seen in a mirror.
FOLDER: Table = {"batch_size": 32, "validation": 0.2, "augment": {"name": "mirror"}}
