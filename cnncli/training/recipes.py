"""The recipes that come with cnncli: a good default for every network and dataset, and those of the texts."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from cnncli.errors import DataError, UsageError, nearest
from cnncli.networks.layers import RadialBasis
from cnncli.networks.network import Network, walk
from cnncli.training.recipe import Recipe, read

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

_DATASETS: dict[str, Table] = {
    "digits": {"epochs": 40, "batch_size": 32, "validation": 0.1, "augment": _HANDWRITING},
    "mnist": {"augment": _HANDWRITING},
    "fashion_mnist": {"augment": {"name": "shift", "pixels": 1}},
    "cifar10": {"augment": {"name": "shift", "pixels": 4}},
    "cifar100": {"augment": {"name": "shift", "pixels": 4}},
}


def default(network: Network, dataset: str) -> Recipe:
    """A recipe that is good without further thought: AdamW in one cycle, and augmentation that suits the dataset."""
    loss = "map" if any(isinstance(layer, RadialBasis) for layer in walk(network.layers)) else "cross-entropy"
    table = {"network": network.name, "dataset": dataset, "loss": loss, **_DATASETS.get(dataset, {})}
    return read(table, "the default recipe")


def find(name: str, network: str, dataset: str) -> Recipe:
    """The built-in recipe of a name, or the one in a file: `recipe.toml` or `recipe.toml:name`.

    Network and dataset, where they are given, go before the file's. Raises UsageError for a name that is not known.
    """
    file, _, inside = name.partition(":")
    if file.endswith(".toml"):
        table, where = _in_file(Path(file), inside)
    else:
        known = {recipe: network for network, recipes in RECIPES.items() for recipe in recipes}
        table, where = RECIPES.get(network, {}).get(name, {}), f"recipe '{name}'"
        if not table and name in known:
            raise UsageError(f"recipe '{name}' is for {known[name]}, not for {network}")
        if not table:
            raise UsageError(f"unknown recipe '{name}'{nearest(name, known)}, or give a file: recipe.toml[:name]")
    given = {key: value for key, value in (("network", network), ("dataset", dataset)) if value}
    return read({**table, **given}, where)


def _in_file(path: Path, name: str) -> tuple[Table, str]:
    """A recipe's table: the one called `name`, else the file's own keys, else its only table."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    # Networks may stand in the same file.
    content = {key: value for key, value in content.items() if not isinstance(value, Mapping) or "layers" not in value}
    flat = any(key in content for key in _KEYS)
    named = {key: value for key, value in content.items() if isinstance(value, Mapping) and key not in _KEYS}
    if not name and not flat and len(named) > 1:
        raise UsageError(f"{path} holds several recipes; say which: {path}:NAME{nearest('', named)}")
    if not name and (flat or not named):
        return content, str(path)
    name = name or next(iter(named))
    if name not in named:
        raise UsageError(f"{path}: no recipe '{name}'{nearest(name, named)}")
    return dict(named[name]), f"{path}: [{name}]"


_KEYS = {one.name for one in fields(Recipe)}
