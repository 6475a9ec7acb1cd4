"""Augmentation as recipes have it: a sequence of random changes, read from TOML or from the command line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from cnncli.data import colours, mixing, warps
from cnncli.data.augmentation import Augmentation
from cnncli.errors import UsageError, nearest
from cnncli.networks.checks import from_table, only, shown
from cnncli.networks.toml import parse

NONE = "none"


@dataclass(frozen=True)
class Unchanged(Augmentation):
    """No change; a sequence leaves it out."""

    word = NONE

    def images(self, key: jax.Array, x_BxHxWxC: jax.Array) -> jax.Array:
        """Give the images back."""
        return x_BxHxWxC


WORDS: dict[str, type[Augmentation]] = {
    kind.word: kind
    for kind in (
        Unchanged,
        *(warps.Shift, warps.Crop, warps.ResizedCrop, warps.Mirror),
        *(warps.Affine, warps.Rotate, warps.Rescale, warps.Shear, warps.Elastic),
        *(colours.ColourJitter, colours.PcaNoise),
        *(mixing.Cutout, mixing.Mixup, mixing.CutMix),
    )
}
EXAMPLE = '"crop(padding=4), mirror"'


@dataclass(frozen=True)
class Augment:
    """Augmentations one after the other, each with a key of its own; without steps, images stay as they are."""

    steps: tuple[Augmentation, ...] = ()

    def __call__(self, key: jax.Array, x_BxHxWxC: jax.Array, targets_BxK: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Change images of 0..255 (batch, height, width, channel) and what is to be learned of them (batch, class)."""
        x, targets = x_BxHxWxC, targets_BxK
        for place, step in enumerate(self.steps):
            x, targets = step(jax.random.fold_in(key, place), x, targets)
        return x, targets

    def for_data(self, images_NxHxWxC: NDArray[np.uint8]) -> "Augment":
        """The same with what steps must know of the training images; needed before the first call."""
        return Augment(tuple(step.for_data(images_NxHxWxC) for step in self.steps))

    def to_table(self) -> list[dict[str, Any]]:
        """The TOML form: a list of tables."""
        return [step.to_table() for step in self.steps]

    def __str__(self) -> str:
        """The command line's form, which `read` reads."""
        return ", ".join(map(str, self.steps)) or NONE


def read(value: Any, where: str) -> Augment:
    """The augmentation of a TOML value: a name, a table with a name, a list of these, or text with several.

    Text is as on the command line: names with their values, `crop(padding=4), mirror`; `none` is no change. Raises
    UsageError, with the nearest name or key, for what is unknown or cannot be.
    """
    parts = value if isinstance(value, list | tuple) else [value]
    tables = [table for part in parts for table in (_spelled(part, where) if isinstance(part, str) else [part])]
    steps = [_step(table, where) for table in tables]
    return Augment(tuple(step for step in steps if step.word != NONE))


def _step(table: Any, where: str) -> Augmentation:
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise UsageError(
            f'{where} is {shown(table)}; expected a name, or a table such as {{ name = "crop", padding = 4 }}'
        )
    if (word := table["name"]) not in WORDS:
        near = nearest(word, WORDS) or f"; known: {', '.join(WORDS)}"
        raise UsageError(f"{where}: no augmentation {shown(word)}{near}")
    given = {key: value for key, value in table.items() if key != "name"}
    only(given, [one.name for one in fields(WORDS[word])], [], f"{where}: augment '{word}'")
    return from_table(WORDS[word], given, where)


_STEP = r"\s*([\w-]+)\s*(?:\(([^()]*)\))?\s*"


def _spelled(text: str, where: str) -> list[dict[str, Any]]:
    """The tables of `crop(padding=4), mirror`."""
    if not re.fullmatch(f"{_STEP}(?:,{_STEP})*", text):
        raise UsageError(f"{where} is {shown(text)}; expected names with their values, such as {EXAMPLE}")
    return [{"name": word, **_values(inside, text, where)} for word, inside in re.findall(_STEP, text)]


def _values(inside: str, text: str, where: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = parse(f"values = {{{' '.join(inside.split())}}}", where)["values"]
    except UsageError:
        raise UsageError(
            f"{where} is {shown(text)}; expected values as in TOML between the brackets, such as {EXAMPLE}"
        ) from None
    return values
