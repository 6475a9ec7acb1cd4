"""What Keras calls the layers of the networks of the article on LeNet5 and AlexNet: by their kind and their order."""

import re
from collections.abc import Iterable

from cnncli.weights.layout import Slot

NETWORKS = ("lenet5-keras", "alexnet-cifar10")

WORDS = {"conv2d": "conv", "dense": "dense", "batch_normalization": "batch-norm"}
PARTS = {
    "conv": {"kernel": "kernel", "bias": "bias"},
    "dense": {"kernel": "kernel", "bias": "bias"},
    "batch-norm": {"gamma": "scale", "beta": "bias", "moving_mean": "mean", "moving_variance": "var"},
}


def in_order(names: Iterable[str], wanted: tuple[Slot, ...]) -> dict[str, Slot]:
    """The slots of a file's names: `conv2d_1/conv2d_1/kernel:0`, `arr_2` of a bare list.

    Keras numbers the layers that a process makes, so the first convolution may be `conv2d_7`: their order counts. Its
    layout is ours.
    """
    names = tuple(names)
    if all(re.fullmatch(r"arr_\d{1,9}", name) for name in names):
        # What savez calls the arrays of get_weights(), which are in the order of the layers.
        return dict(zip(sorted(names, key=lambda name: int(name.removeprefix("arr_"))), wanted, strict=False))
    found = {name: place for name in names if (place := _place(name))}
    paths = {word: list(dict.fromkeys(slot.path for slot in wanted if slot.word == word)) for word in PARTS}
    numbers = {word: sorted({number for kind, number, _ in found.values() if kind == word}) for word in PARTS}
    layers = {(word, number): path for word in PARTS for number, path in zip(numbers[word], paths[word], strict=False)}
    slots = {(slot.path, slot.part): slot for slot in wanted}
    keys = {name: (layers.get((word, number), ""), part) for name, (word, number, part) in found.items()}
    # The first of several names for one array; the others are left over.
    first = {key: name for name, key in reversed(keys.items()) if key in slots}
    return {name: slots[key] for key, name in first.items()}


def _place(name: str) -> tuple[str, int, str] | None:
    """The word and number of the layer that a name is of, and our name of the array; `vars/0` is of Keras 3."""
    *layers, last = name.removesuffix(":0").split("/")
    for layer in reversed(layers):
        if found := re.fullmatch(r"(conv2d|dense|batch_normalization)(?:_(\d{1,9}))?", layer):
            parts = PARTS[word := WORDS[found[1]]]
            parts = dict(zip("0123", parts.values(), strict=False)) if layers[-1] == "vars" else parts
            return (word, int(found[2] or 0), parts[last]) if last in parts else None
    return None
