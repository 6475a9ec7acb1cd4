"""Which layers train, and from which epoch on: what a recipe's `freeze` and `thaw` mean for a network."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from cnncli.errors import UsageError, nearest
from cnncli.networks.layers import AuxiliaryHead
from cnncli.networks.network import Network, walk
from cnncli.sizing.report import Row
from cnncli.sizing.size import size

ALL_BUT_HEAD = "all-but-head"
# Rows of these stand where ways meet, and are no layers.
JOINS = ("branches", "residual")


@dataclass(frozen=True)
class Stage:
    """Layers, by their paths, that begin to train together in an epoch, which is counted from 1."""

    epoch: int
    layers: frozenset[str]


@dataclass(frozen=True)
class Freezing:
    """The layers, by their paths, that never train, and the stages in which the others begin to."""

    frozen: frozenset[str]
    stages: tuple[Stage, ...]

    def at(self, epoch: int) -> frozenset[str]:
        """The layers that do not train in an epoch."""
        return self.frozen.union(*(stage.layers for stage in self.stages if stage.epoch > epoch))


def freezing(network: Network, freeze: str, thaw: str, epochs: int) -> Freezing:
    """What a recipe's words mean for a network.

    `freeze` is `all-but-head`, a layer or group (all up to and with it), a pattern such as `conv*` (all that match), or
    empty. `thaw` says what trains after all, and from which epoch on: `conv5=4, conv4=8`. Raises UsageError, with the
    nearest, for a layer that is not there, and where nothing is left to train.
    """
    rows = layers(network)
    frozen = _frozen(network, rows, freeze)
    begins = _begins(rows, frozen, thaw, epochs)
    stages = [Stage(1, frozenset(row.path for row in rows) - frozen)]
    for epoch in sorted(set(begins.values())):
        stages.append(Stage(epoch, frozenset(path for path in begins if begins[path] == epoch)))
    learning = {row.path for row in rows if row.params}
    if freeze and not learning & stages[0].layers:
        raise UsageError(f"freeze is '{freeze}': nothing is left to train; to train the head alone: {ALL_BUT_HEAD}")
    return Freezing(frozen - begins.keys(), tuple(stages))


def _frozen(network: Network, rows: tuple[Row, ...], freeze: str) -> frozenset[str]:
    """The layers that do not train at first."""
    if not freeze:
        return frozenset()
    paths = [row.path for row in rows]
    if freeze == ALL_BUT_HEAD:
        told = head(network)
        learned = [place for place, row in enumerate(rows) if row.params and row.path not in told]
        # What comes after the last of them, such as dropout, is the head's.
        return frozenset(paths[: learned[-1] + 1]) - told if learned else frozenset()
    named = covered(rows, freeze, "freeze", ALL_BUT_HEAD)
    if set(freeze) & set("*?["):
        return named
    if any(row.head for row in rows if row.path in named):
        raise UsageError(f"freeze: '{freeze}' is of an auxiliary head; expected a layer of the main path, or a pattern")
    return frozenset(paths[: max(map(paths.index, named)) + 1])


def _begins(rows: tuple[Row, ...], frozen: frozenset[str], thaw: str, epochs: int) -> dict[str, int]:
    """The epoch in which each layer that is thawed begins to train; of several words for a layer the earliest."""
    begins: dict[str, int] = {}
    for word, value in pairs(thaw, "thaw", "conv5=4, conv4=8"):
        if not value.isdecimal() or not 2 <= int(value) <= epochs:
            raise UsageError(f"thaw: {word}={value}; expected an epoch from 2 to {epochs}, the recipe's last")
        if not (thawed := covered(rows, word, "thaw") & frozen):
            raise UsageError(f"thaw: '{word}' is not frozen; expected a layer, group or pattern of what freeze names")
        begins |= {path: min(int(value), begins.get(path, int(value))) for path in thawed}
    return begins


def layers(network: Network) -> tuple[Row, ...]:
    """A row for each layer in the order of a forward pass, those of auxiliary heads where they hang."""
    return tuple(row for row in size(network).rows if row.word not in JOINS)


def covered(rows: Iterable[Row], word: str, what: str, other: str = "") -> frozenset[str]:
    """The layers that a path (a layer, or all of a group) or a pattern (`conv*`; `*` also crosses `/`) names.

    Raises UsageError, with the nearest of these or the `other` word, where there are none.
    """
    paths = [row.path for row in rows]
    found = [path for path in paths if path == word or path.startswith(f"{word}/") or fnmatchcase(path, word)]
    if not found:
        groups = {path.rsplit("/", place)[0] for path in paths for place in range(path.count("/") + 1)}
        raise UsageError(f"{what}: no layer or group '{word}'{nearest(word, {*groups, other} - {''})}")
    return frozenset(found)


def pairs(text: str, what: str, example: str) -> Iterator[tuple[str, str]]:
    """The words of `conv5=4, conv4=8` with their values."""
    for part in text.split(",") if text.strip() else ():
        word, equals, value = (piece.strip() for piece in part.partition("="))
        if not (word and equals and value):
            raise UsageError(f"{what} is '{text}'; expected words with their values, such as {example}")
        yield word, value


def inside_heads(network: Network) -> dict[str, str]:
    """For each row of an auxiliary head, by its path, the path of that head."""
    names = {layer.name for layer in walk(network.named()) if isinstance(layer, AuxiliaryHead)}
    found: dict[str, str] = {}
    for row in size(network).rows:
        if row.head:
            parts = row.path.split("/")
            at = next(at for at, part in enumerate(parts) if part in names)
            found[row.path] = "/".join(parts[: at + 1])
    return found


def head(network: Network) -> frozenset[str]:
    """The last layer with parameters, on the main path and in each auxiliary head: what tells the classes apart."""
    inside = inside_heads(network)
    return frozenset({inside.get(row.path, ""): row.path for row in layers(network) if row.params}.values())


def idle_heads(network: Network, frozen: frozenset[str]) -> tuple[str, ...]:
    """The auxiliary heads before which nothing ever trains: no signal of theirs reaches the main path's parameters."""
    inside, found, training = inside_heads(network), dict[str, None](), not frozen
    for row in layers(network):
        if row.head and not training:
            found[inside[row.path]] = None
        training = training or (row.params > 0 and not row.head and row.path not in frozen)
    return tuple(found)
