"""From a name or a file to a recipe: a good default for every network and dataset, those of the texts, one's own."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path

from cnncli.data.augment import Augment
from cnncli.data.dataset import folder
from cnncli.errors import DataError, UsageError, nearest
from cnncli.networks.blocks import is_block, is_network
from cnncli.networks.layers import RadialBasis
from cnncli.networks.lines import Keys, Place, lines
from cnncli.networks.network import Network, walk
from cnncli.networks.toml import parse
from cnncli.training.freezing import freezing, head, layers
from cnncli.training.optimizers import AdamW
from cnncli.training.published import DATASETS, FOLDER, RECIPES, Table, pictures
from cnncli.training.recipe import Recipe, Where, read

# Of a network that is trained already, and of its head alone.
TUNED_LR, HEAD_LR = 1e-3, 1e-2


def default(network: Network, dataset: str) -> Recipe:
    """A recipe that is good without further thought: AdamW in one cycle, and augmentation that suits the dataset."""
    loss = "map" if any(isinstance(layer, RadialBasis) for layer in walk(network.layers)) else "cross-entropy"
    suited = FOLDER if folder(dataset) else DATASETS.get(dataset, {})
    if suited.get("augment") == pictures():
        suited = {**suited, "augment": pictures(min(network.input[:2]))}
    table = {"network": network.name, "dataset": dataset, "loss": loss, **suited}
    return read(table, "the default recipe")


def tuned(network: Network, asked: Recipe) -> Recipe:
    """The default for a network that is trained already: a lower rate than from the beginning.

    Where `asked` lets nothing but the head train, the rate is the head's, and there is no augmentation: what the others
    give is computed once for all epochs.
    """
    recipe, never = default(network, asked.dataset), freezing(network, asked.freeze, asked.thaw, asked.epochs).frozen
    if {row.path for row in layers(network) if row.params} - never <= head(network):
        return replace(recipe, optimizer=AdamW(lr=HEAD_LR), augment=Augment())
    return replace(recipe, optimizer=AdamW(lr=TUNED_LR))


def find(name: str, network: str, dataset: str) -> Recipe:
    """The built-in recipe of a name, or the one in a file: `recipe.toml` or `recipe.toml:name`.

    Network and dataset, where they are given, go before the file's. Raises UsageError for a name that is not known.
    """
    file, _, inside = name.partition(":")
    table, where = _in_file(Path(file), inside) if file.endswith(".toml") else _built_in(name, network)
    given = {key: value for key, value in (("network", network), ("dataset", dataset)) if value}
    for key in ("network", "dataset"):
        if key not in table and key not in given:
            raise UsageError(f"{where}: names no {key}; give one, as in {_EXAMPLE}")
    return read({**table, **given}, where)


_EXAMPLE = "cnncli train lenet5 --dataset digits"


def _built_in(name: str, network: str) -> tuple[Table, Where]:
    """The table of a recipe that comes with cnncli."""
    if table := RECIPES.get(network, {}).get(name):
        return table, f"recipe '{name}'"
    known = dict.fromkeys(recipe for recipes in RECIPES.values() for recipe in recipes)
    if name not in known:
        own = f"{network} has {', '.join(RECIPES[network])}" if network in RECIPES else "cnncli list recipes shows all"
        raise UsageError(f"unknown recipe '{name}'{nearest(name, known)} ({own}); a file is FILE.toml[:NAME]")
    networks = ", ".join(one for one, recipes in RECIPES.items() if name in recipes)
    if not network:
        raise UsageError(f"recipe '{name}' belongs to a network; give one of {networks}")
    raise UsageError(f"recipe '{name}' is for {networks}, not for {network}")


def _in_file(path: Path, name: str) -> tuple[Table, Where]:
    """A recipe's table: the one called `name`, else the file's own keys, else its only table."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    content, place = parse(text, str(path)), Place(str(path), {**lines(text), **dict(_keys(text))})
    # Networks and their blocks may stand in the same file.
    content = {key: value for key, value in content.items() if not (is_network(value) or is_block(value))}
    flat = any(key in content for key in _KEYS)
    named = {key: value for key, value in content.items() if isinstance(value, Mapping) and key not in _KEYS}
    if not name and not flat and len(named) > 1:
        raise UsageError(f"{path} holds several recipes; say which: {path}:NAME{nearest('', named)}")
    if not name and (flat or not named):
        return content, replace(place, said="the recipe")
    name = name or next(iter(named))
    if name not in named:
        known = nearest(name, named) if named else f"; it holds one, without a name: --recipe {path}"
        raise UsageError(f"{path}: no recipe '{name}'{known}")
    return dict(named[name]), place.inside(name, said=f"[{name}]")


def _keys(text: str) -> Iterator[tuple[Keys, int]]:
    """The line of each key, dotted or not, that begins one, with the keys of the header above it."""
    header: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if table := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            header = tuple(table[1].split("."))
        elif key := re.match(r"\s*([\w.-]+)\s*=", line):
            yield (*header, *key[1].split(".")), number


_KEYS = {one.name for one in fields(Recipe)}
