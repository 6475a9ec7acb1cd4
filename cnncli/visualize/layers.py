"""Which layers there are to look at, by the paths that sizing prints, and which one suits a method by itself."""

from collections.abc import Iterator, Sequence

from cnncli.diagrams.diagram import Part, parts
from cnncli.errors import UsageError, nearest
from cnncli.networks.layers import Activation, AuxiliaryHead, BatchNorm, Dropout, Flatten, Group, LocalResponseNorm
from cnncli.networks.network import Network
from cnncli.sizing.report import Row, fold
from cnncli.sizing.size import size

KERNELS = ("conv", "partial-conv")
CLASSIFIERS = ("dense", "radial-basis")


def rows(network: Network) -> dict[str, Row]:
    """Every layer that a forward pass in evaluation goes through, by path, and every group as a whole."""
    every = tuple(row for row in size(network).rows if not row.head)
    deepest = max((row.path.count("/") for row in every), default=0) + 1
    found = {row.path: row for row in every}
    for depth in range(1, deepest):
        found = {row.path: row for row in fold(every, depth)} | found
    return found


def row_of(network: Network, path: str, option: str = "--layer") -> Row:
    """The layer at a path. Raises UsageError, with the nearest, for one that there is not."""
    found = rows(network)
    if path not in found:
        hint = nearest(path, found) or f"; cnncli size {network.name} shows them"
        raise UsageError(f"{option}: {network.name} has no layer '{path}'{hint}")
    return found[path]


def of_words(network: Network, words: Sequence[str]) -> list[Row]:
    """The layers of some words of the vocabulary, in their order."""
    return [row for row in size(network).rows if row.word in words and not row.head]


def convolutions(network: Network) -> list[Row]:
    """The convolutions. Raises UsageError where there is none."""
    if not (found := of_words(network, KERNELS)):
        raise UsageError(f"{network.name} has no convolution; expected a network that has, such as lenet5")
    return found


def finished(network: Network, path: str) -> Row:
    """Where what a layer computes is done: behind the normalization and activation that follow it directly."""
    after = [row for row in size(network).rows if not row.head]
    # A group is done where the last layer in it is.
    within = [place for place, row in enumerate(after) if f"{row.path}/".startswith(f"{path}/")]
    at = next((place for place in within if after[place].path == path), within[-1])
    while at + 1 < len(after) and after[at + 1].word in ("batch-norm", "activation"):
        at += 1
    return after[at]


def last_maps(network: Network) -> Row:
    """The last layer whose units see a part of the image and are not pooled: what Grad-CAM weighs."""
    found = [row for row in size(network).rows if not row.head and len(row.output) == 3 and max(row.output[:2]) > 1]
    maps = [row for row in found if row.word in (*KERNELS, "batch-norm", "activation", "branches", "residual")]
    if not maps:
        raise UsageError(f"{network.name} has no feature maps; expected a network that has, such as lenet5")
    return maps[-1]


def features(network: Network) -> Row:
    """What the last layer with weights looks at: AlexNet's 4,096 values, LeNet5's 84, or the input of a linear one."""
    every = [row for row in size(network).rows if not row.head]
    weighted = [place for place, row in enumerate(every) if row.word in (*CLASSIFIERS, *KERNELS)]
    at = weighted[-1] if weighted else len(every) - 1
    before = [row for row in every[:at] if row.word not in ("dropout", "flatten")]
    return before[-1] if before else every[0]


def trunk(network: Network) -> list[Row]:
    """The stages that every image goes through, each where what it computes is done, from shallow to deep.

    What is inside branches and residuals is left out, as is what computes nothing by itself, unless it is all there is.
    """
    found, still = rows(network), (Dropout, Flatten, LocalResponseNorm, BatchNorm, Activation, AuxiliaryHead)
    outer = [part.path for part in _outer(parts(network)) if not isinstance(part.layer, still)]
    return [found[path] for path in dict.fromkeys(finished(network, path).path for path in outer or [*found][-1:])]


def _outer(chain: Sequence[Part]) -> Iterator[Part]:
    """The parts of a chain and of its groups, but not those on ways beside each other."""
    for part in chain:
        if isinstance(part.layer, Group):
            yield from _outer(part.ways[0])
        else:
            yield part


def chosen(word: str, known: Sequence[str], names: Sequence[str], option: str) -> int:
    """The place of a word in a list; UsageError, with the nearest name, for one that is not there."""
    if word not in known:
        hint = nearest(word, names) or f"; expected one of {', '.join(names[:10])}{', ...' * (len(names) > 10)}"
        raise UsageError(f"{option}: no '{word}'{hint}")
    return list(known).index(word)
