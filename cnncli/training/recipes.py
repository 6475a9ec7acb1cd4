"""From a name or a file to a recipe: a good default for every network and dataset, those of the texts, one's own."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from cnncli.errors import DataError, UsageError, nearest
from cnncli.networks.layers import RadialBasis
from cnncli.networks.network import Network, walk
from cnncli.networks.toml import parse
from cnncli.training.published import DATASETS, RECIPES, Table
from cnncli.training.recipe import Recipe, read


def default(network: Network, dataset: str) -> Recipe:
    """A recipe that is good without further thought: AdamW in one cycle, and augmentation that suits the dataset."""
    loss = "map" if any(isinstance(layer, RadialBasis) for layer in walk(network.layers)) else "cross-entropy"
    table = {"network": network.name, "dataset": dataset, "loss": loss, **DATASETS.get(dataset, {})}
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
        content = parse(path.read_text(encoding="utf-8"), str(path))
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
