"""A part of a dataset: some of its classes, some images of each."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded, Split
from cnncli.errors import DataError, UsageError, nearest


def listed(text: str, known: Sequence[str]) -> list[str]:
    """The classes of a comma list; where a name has commas itself, the longest name that is known is meant."""
    names, found = {_plain(name): name for name in known}, []
    words, most = text.split(","), max(name.count(",") for name in known) + 1
    while words:
        tried = [(",".join(words[:count]), count) for count in range(min(most, len(words)), 0, -1)]
        name, count = next(((name, count) for name, count in tried if _plain(name) in names), (words[0], 1))
        found.append(names.get(_plain(name), name.strip()))
        words = words[count:]
    return found


def _plain(name: str) -> str:
    """A name however it was written: one character can be one code or two, and nobody sees spaces around it."""
    return unicodedata.normalize("NFC", name).strip()


def only(data: Loaded, classes: Sequence[str]) -> Loaded:
    """The images of some classes, which are numbered as they are given here, and facts about these.

    Raises UsageError for a class that the data does not have, or has been given twice, and for one alone.
    """
    known = data.facts.classes
    for place, name in enumerate(classes):
        if name not in known:
            raise UsageError(f"--only: {data.facts.name} has no class '{name}'{nearest(name, known)}")
        if name in classes[:place]:
            raise UsageError(f"--only: class '{name}' is given twice")
    if len(classes) < 2:
        raise UsageError(f"--only is '{classes[0]}'; expected at least two classes to tell apart")
    return _numbered(data, tuple(classes))


def aligned(data: Loaded, classes: tuple[str, ...]) -> Loaded:
    """Data for a network that tells these classes: labels by the names of classes, others left out.

    Where names differ and there are as many of them, the order is taken to be the same. Raises DataError where no
    class, or only some of the names, are known to both.
    """
    theirs = data.facts.classes
    if theirs == classes or (len(theirs) == len(classes) and not set(theirs) & set(classes)):
        return data
    if not set(theirs) & set(classes) or (set(theirs) - set(classes) and set(classes) - set(theirs)):
        raise DataError(
            f"the network tells {_listed(classes)}; {data.facts.name} has {_listed(theirs)}: expected the same classes"
        )
    return _numbered(data, classes)


def per_class(data: Loaded, count: int, seed: int) -> Loaded:
    """`count` images of each class, drawn by the seed, in their order.

    Raises UsageError for a class that has fewer.
    """
    labels, chosen = data.split.labels, []
    random = np.random.Generator(np.random.Philox(key=[seed, 2**33]))
    for label, name in enumerate(data.facts.classes):
        members = np.flatnonzero(labels == label)
        if len(members) < count:
            raise UsageError(f"--per-class {count}: class '{name}' of {data.facts.name} has {len(members)} images")
        chosen.append(random.permutation(members)[:count])
    return _at(data, np.sort(np.concatenate(chosen)), labels)


def _numbered(data: Loaded, classes: tuple[str, ...]) -> Loaded:
    places = {name: label for label, name in enumerate(classes)}
    numbers = np.array([places.get(name, -1) for name in data.facts.classes], np.int32)
    labels = numbers[data.split.labels]
    held = data.held
    if held is not None:
        theirs = numbers[held.labels]
        held = _taken(held, np.flatnonzero(theirs >= 0), theirs)
    facts = replace(data.facts, classes=classes)
    return _at(replace(data, facts=facts, held=held), np.flatnonzero(labels >= 0), labels)


def _at(data: Loaded, chosen: NDArray[np.int64], labels: NDArray[np.int32]) -> Loaded:
    """The images at some places of a split, with these labels."""
    return replace(data, split=_taken(data.split, chosen, labels))


def _taken(split: Split, chosen: NDArray[np.int64], labels: NDArray[np.int32]) -> Split:
    taken = Split(split.images[chosen], labels[chosen])
    taken.images.flags.writeable = taken.labels.flags.writeable = False
    return taken


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{len(names)} classes ({shown}{', ...' if len(names) > 4 else ''})"
