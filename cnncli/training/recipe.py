"""A recipe: everything that decides how a network is trained, as one frozen value that TOML can hold."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from cnncli.data.augment import AUGMENTATIONS, Augmentation, NoAugmentation
from cnncli.data.inputs import FITS, SCALINGS
from cnncli.errors import UsageError, nearest
from cnncli.evaluation.losses import LOSSES
from cnncli.networks.checks import Checked, checked, from_table, number, one_of, only, text, whole
from cnncli.networks.network import INITIALIZATIONS
from cnncli.networks.toml import parse
from cnncli.training.optimizers import OPTIMIZERS, SCHEDULES, AdamW, OneCycle, Optimizer, Schedule

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe(Checked):
    """How to train. `validation` is the share of the training split held out for every choice (0: none is made).

    Empty texts mean: `fit` as the dataset has it, `init` as the network has it, `precision` as suits the device
    (bfloat16 on accelerators, float32 on CPU). An epoch leaves out the last images that fill no batch.
    """

    network: str = checked(text)
    dataset: str = checked(text)
    epochs: int = checked(whole(1), 20)
    batch_size: int = checked(whole(1), 128)
    seed: int = checked(whole(0), 0)
    validation: float = checked(number(0, 1), 0.05)
    scaling: str = checked(one_of(*SCALINGS), "standard")
    fit: str = checked(one_of("", *FITS), "")
    loss: str = checked(one_of(*LOSSES), "cross-entropy")
    init: str = checked(one_of("", *INITIALIZATIONS), "")
    precision: str = checked(one_of("", *PRECISIONS), "")
    source: str = checked(text, "")
    optimizer: Optimizer = AdamW()
    schedule: Schedule = OneCycle()
    augment: Augmentation = NoAugmentation()

    def to_table(self) -> dict[str, Any]:
        """The recipe as a TOML table, every value written out."""
        table: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in PARTS:
                value = {"name": value.word, **{part.name: getattr(value, part.name) for part in fields(value)}}
            table[one.name] = value
        return table


PARTS: dict[str, Mapping[str, type[Checked]]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "augment": AUGMENTATIONS,
}

Part = TypeVar("Part", bound=Checked)


def read(table: Mapping[str, Any], where: str) -> Recipe:
    """The recipe of a TOML table; UsageError, with the nearest key, for what is unknown or cannot be."""
    given = {
        key: _part(PARTS[key], value, f"{where} [{key}]") if key in PARTS else value for key, value in table.items()
    }
    return from_table(Recipe, given, where)


def _part(words: Mapping[str, type[Checked]], table: Any, where: str) -> Checked:
    """An optimizer, schedule or augmentation from its table, or from its name alone."""
    table = {"name": table} if isinstance(table, str) else table
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise UsageError(f"{where} is {table!r}; expected a table with a name, one of {', '.join(words)}")
    if (word := table["name"]) not in words:
        raise UsageError(f"{where}: no '{word}'{nearest(word, words)}")
    return from_table(words[word], {key: value for key, value in table.items() if key != "name"}, f"{where} ({word})")


def changed(recipe: Recipe, settings: Mapping[str, Any], where: str = "--set") -> Recipe:
    """The recipe with dotted keys set: `epochs`, `optimizer.lr`.

    Another name for a part (`optimizer = "sgd"`) brings that part's own defaults. Raises UsageError as `read` does.
    """
    table = recipe.to_table()
    # Names first, so that `--lr 0.1 --optimizer sgd` means the same in either order.
    for key, value in sorted(settings.items(), key=lambda item: item[0].count(".") and not item[0].endswith(".name")):
        part, _, field = key.partition(".")
        if not field:
            only([part], table, [], where)
            table[part] = {"name": value} if part in PARTS and not isinstance(value, Mapping) else value
        elif part not in PARTS:
            raise UsageError(f"{where}: no table '{part}'{nearest(part, PARTS)}")
        elif field == "name":
            table[part] = {"name": value} if value != table[part]["name"] else table[part]
        else:
            table[part] = {**table[part], field: value}
    return read(table, where)


def setting(text: str) -> tuple[str, Any]:
    """A `key=value` of the command line; the value is read as TOML, or else is text."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--set {text!r}; expected key=value, such as --set optimizer.momentum=0.95")
    try:
        return key.strip(), parse(f"value = {value}", "--set")["value"]
    except UsageError:
        return key.strip(), value.strip()


def on_device(recipe: Recipe, platform: str) -> Recipe:
    """The recipe with its precision decided."""
    return recipe if recipe.precision else replace(recipe, precision="float32" if platform == "cpu" else "bfloat16")
