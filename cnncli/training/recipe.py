"""A recipe: everything that decides how a network is trained, as one frozen value that TOML can hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from cnncli.data.augment import Augment
from cnncli.data.augment import read as augmentation
from cnncli.data.framing import INTERPOLATIONS
from cnncli.data.inputs import FITS, SCALINGS
from cnncli.errors import UsageError, nearest
from cnncli.evaluation.losses import LOSSES
from cnncli.networks.checks import Checked, checked, from_table, number, one_of, only, shown, text, whole
from cnncli.networks.lines import Place
from cnncli.networks.network import INITIALIZATIONS
from cnncli.networks.toml import parse
from cnncli.training.optimizers import OPTIMIZERS, AdamW, Optimizer
from cnncli.training.schedules import SCHEDULES, STOPS, NoStop, OneCycle, Schedule, Stop

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe(Checked):
    """How to train. `validation` is the share of the training split held out for every choice (0: none is made).

    Empty texts mean: `fit` as the dataset has it, `init` as the network has it, `precision` as suits the device
    (bfloat16 on accelerators, float32 on CPU). `last_batch` says what happens to the images of an epoch that fill no
    batch; `choose` by what the best epoch is the best. A batch is computed in `accumulate` parts; `clip_norm` bounds
    the gradient (0: not at all); `average` is the share that a moving average of the weights keeps a step (0: there is
    none). Pictures of files are framed by `resize` and `interpolation` (see `Framing`). Of the training images those of
    the classes `only` are taken ("cat,dog"; empty: all), and of each class `per_class` (0: all). Layers named by
    `freeze` do not train, or not before the epochs of `thaw` (see `freezing`); groups in `lr_shares` train at a share
    of the rate (see `shares`). `source` and `expected` say where the recipe is from and what it gave.
    """

    network: str = checked(text)
    dataset: str = checked(text)
    epochs: int = checked(whole(1), 20)
    batch_size: int = checked(whole(1), 128)
    seed: int = checked(whole(0), 0)
    validation: float = checked(number(0, 1), 0.05)
    scaling: str = checked(one_of(*SCALINGS), "standard")
    fit: str = checked(one_of("", *FITS), "")
    resize: int = checked(whole(0), 0)
    interpolation: str = checked(one_of(*INTERPOLATIONS), "bilinear")
    only: str = checked(text, "")
    per_class: int = checked(whole(0), 0)
    freeze: str = checked(text, "")
    thaw: str = checked(text, "")
    lr_shares: str = checked(text, "")
    loss: str = checked(one_of(*LOSSES), "cross-entropy")
    init: str = checked(one_of("", *INITIALIZATIONS), "")
    precision: str = checked(one_of("", *PRECISIONS), "")
    last_batch: str = checked(one_of("leave", "train"), "leave")
    choose: str = checked(one_of("accuracy", "loss"), "accuracy")
    label_smoothing: float = checked(number(0, 1), 0.0)
    class_weights: str = checked(one_of("none", "balanced"), "none")
    clip_norm: float = checked(number(0), 0.0)
    accumulate: int = checked(whole(1), 1)
    average: float = checked(number(0, 1), 0.0)
    source: str = checked(text, "")
    expected: str = checked(text, "")
    optimizer: Optimizer = AdamW()
    schedule: Schedule = OneCycle()
    stop: Stop = NoStop()
    augment: Augment = Augment()

    def to_table(self) -> dict[str, Any]:
        """The recipe as a TOML table, every value written out."""
        table: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in PARTS:
                value = {"name": value.word, **{part.name: getattr(value, part.name) for part in fields(value)}}
            table[one.name] = value.to_table() if one.name == "augment" else value
        return table


PARTS: dict[str, Mapping[str, type[Checked]]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "stop": STOPS,
}

Part = TypeVar("Part", bound=Checked)


# What an error calls a table: a place in a file, or text.
Where = Place | str


def read(table: Mapping[str, Any], where: Where) -> Recipe:
    """The recipe of a TOML table; UsageError, with the nearest key, for what is unknown or cannot be."""
    known = [one.name for one in fields(Recipe)]
    for key in table:
        _known(key, known, str(_inside(where, key)))
    plain = [key for key in table if key not in PARTS and key != "augment"]
    for key in plain:  # One at a time, so that an error names the line of its key.
        from_table(Recipe, {"network": "", "dataset": "", key: table[key]}, str(_inside(where, key)))
    given: dict[str, Any] = {key: _part(PARTS[key], table[key], _inside(where, key)) for key in PARTS if key in table}
    if "augment" in table:
        given["augment"] = augmentation(table["augment"], str(_inside(where, "augment")))
    return from_table(Recipe, {**table, **given}, str(where))


def _known(key: str, known: Iterable[str], where: str) -> None:
    """Refuse a key that is not known, saying in which table it would be."""
    if key not in known:
        for table, kinds in PARTS.items():
            if any(key == one.name for kind in kinds.values() for one in fields(kind)):  # type: ignore[arg-type]
                raise UsageError(f"{where}: unknown key {shown(key)}; did you mean '{table}.{key}'?")
    only([key], known, [], where)


def _inside(where: Where, key: str) -> Where:
    said = f"[{key}]" if key in PARTS else "augment" if key == "augment" else ""
    if isinstance(where, Place):
        return where.inside(key, said=said)
    # A flag says it already.
    return where if where == f"--{key}" else f"{where} {said}".strip()


def _part(words: Mapping[str, type[Checked]], table: Any, where: Where) -> Checked:
    """An optimizer, schedule or rule for stopping from its table, or from its name alone."""
    table = {"name": table} if isinstance(table, str) else table
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise UsageError(f"{where} is {shown(table)}; expected a table with a name, one of {', '.join(words)}")
    if (word := table["name"]) not in words:
        raise UsageError(f"{_inside(where, 'name')}: no {shown(word)}{nearest(word, words)}")
    given = {key: value for key, value in table.items() if key != "name"}
    for key, value in given.items():
        from_table(words[word], {key: value}, f"{_inside(where, key)} ({word})")
    return from_table(words[word], given, f"{where} ({word})")


def changed(recipe: Recipe, settings: Mapping[str, Any], where: str = "--set") -> Recipe:
    """The recipe with dotted keys set: `epochs`, `optimizer.lr`.

    Another name for a part (`optimizer = "sgd"`) brings that part's own defaults. Raises UsageError as `read` does.
    """
    table = recipe.to_table()
    # Names first, so that `--lr 0.1 --optimizer sgd` means the same in either order.
    for key, value in sorted(settings.items(), key=lambda item: item[0].count(".") and not item[0].endswith(".name")):
        part, _, field = key.partition(".")
        if not field:
            _known(part, table, where)
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
