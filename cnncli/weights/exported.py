"""What a file that `weights export` wrote says of its arrays: JSON that anybody can have edited.

What cannot be is as if it were not said: nothing here raises.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

from cnncli.networks.catalogue import CATALOGUE
from cnncli.weights.preprocessing import Preprocessing, told, whole

About = Mapping[str, str]

# The settings of a recipe that decide what a network makes of an image, and what each can be.
SETTINGS = {
    "fit": ("pad", "resize"),
    "loss": ("cross-entropy", "mean-squared-error", "map"),
    "precision": ("float32", "bfloat16"),
}
LONGEST = 500


def network(about: About) -> str:
    """The name of the catalogue's network that the arrays are of; empty where there is none."""
    name = about.get("network", "")
    return name if name in CATALOGUE else ""


def input(about: About) -> tuple[int, int, int] | None:
    """(height, width, channels) of what the network took."""
    return _shape(parsed(about.get("input")))


def images(about: About, channels: int) -> tuple[tuple[int, int, int], str] | None:
    """The shape of the images that it was trained on, and how they are fitted to its input."""
    said = parsed(about.get("images"))
    if not isinstance(said, dict):
        return None
    shape, fit = _shape(said.get("shape")), said.get("fit")
    return (shape, fit) if shape and shape[2] == channels and fit in SETTINGS["fit"] else None


def classes(about: About, count: int) -> tuple[str, ...] | None:
    """The names of so many classes."""
    said = parsed(about.get("classes"))
    if not isinstance(said, list) or len(said) != count or not all(map(_is_line, said)):
        return None
    return tuple(said) if len(set(said)) == count else None


def preprocessing(about: About, channels: int) -> Preprocessing | None:
    """How images were prepared."""
    return told(about.get("preprocessing", ""), channels)


def is_mean_image(about: About) -> bool:
    """Whether a mean image was subtracted, which is not in the file."""
    said = parsed(about.get("preprocessing"))
    return isinstance(said, dict) and said.get("scaling") == "mean-image"


def settings(about: About) -> dict[str, str]:
    """The settings of its recipe that are among SETTINGS."""
    said = parsed(about.get("recipe"))
    said = said if isinstance(said, dict) else {}
    return {key: said[key] for key, known in SETTINGS.items() if said.get(key) in known}


def line(about: About, key: str) -> str:
    """A text that a terminal can show; empty where there is none."""
    return text if _is_line(text := about.get(key)) else ""


def parsed(text: str | None) -> Any:
    """The value of JSON; None for what is none."""
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None


def _is_line(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()


def _shape(value: Any) -> tuple[int, int, int] | None:
    if not isinstance(value, list) or len(value) != 3 or not all(whole(side, 1) for side in value):
        return None
    return (value[0], value[1], value[2])
