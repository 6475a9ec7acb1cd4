"""Random small networks in every word of the vocabulary, valid by construction, and fields that mostly are not.

`networks()` keeps the shape at hand while it draws, by asking sizing, so that each layer fits where it stands.
"""

from dataclasses import MISSING, fields, replace
from typing import Any

from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.networks.layers import (
    WORDS,
    Activation,
    AdaptivePool,
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Group,
    Layers,
    LocalResponseNorm,
    PadShortcut,
    PartialConv,
    Pool,
    RadialBasis,
    Residual,
    Subsample,
)
from cnncli.networks.network import INITIALIZATIONS, Network
from cnncli.sizing.report import Shape
from cnncli.sizing.size import size

KINDS = ("relu", "leaky-relu", "elu", "gelu", "silu", "sigmoid", "tanh", "scaled-tanh")

batch_norms = st.builds(BatchNorm, st.sampled_from([0.0, 0.9, 0.99]), st.sampled_from([1e-5, 1e-3]))
activations = st.sampled_from([Activation(kind) for kind in KINDS])
dropouts = st.sampled_from([Dropout(0.0), Dropout(0.25), Dropout(0.5)])
denses = st.builds(Dense, st.integers(1, 12), st.booleans())
strides = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))
inputs = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))


def after(shape: Shape, layers: Layers) -> Shape:
    """The shape behind layers, by the sizing room's own arithmetic."""
    if len(shape) == 3:
        return size(Network("prefix", (shape[0], shape[1], shape[2]), layers)).output
    return size(Network("prefix", (1, 1, shape[0]), (Flatten(), *layers))).output


@st.composite
def convs(draw: st.DrawFn, shape: Shape) -> Conv:
    """A convolution that fits: groups, uneven padding, windows and strides that are not square."""
    top, bottom, left, right = draw(st.tuples(*[st.sampled_from([0, 0, 1, 2])] * 4))
    window = (
        draw(st.integers(1, min(5, shape[0] + top + bottom))),
        draw(st.integers(1, min(5, shape[1] + left + right))),
    )
    groups = draw(st.sampled_from([count for count in range(1, shape[2] + 1) if shape[2] % count == 0]))
    features = groups * draw(st.integers(1, 4))
    return Conv(features, window, draw(strides), (top, bottom, left, right), groups, draw(st.booleans()))


@st.composite
def partial_convs(draw: st.DrawFn, shape: Shape) -> PartialConv:
    maps = st.lists(st.integers(0, shape[2] - 1), min_size=1, max_size=3, unique=True)
    table = tuple(tuple(row) for row in draw(st.lists(maps, min_size=1, max_size=4)))
    conv = draw(convs(shape))
    return PartialConv(table, conv.window, conv.stride, conv.padding)


@st.composite
def pools(draw: st.DrawFn, shape: Shape) -> Pool:
    tall, wide = draw(st.integers(1, min(4, shape[0]))), draw(st.integers(1, min(4, shape[1])))
    rows, columns = st.integers(0, min(tall - 1, 2)), st.integers(0, min(wide - 1, 2))
    padding = draw(st.tuples(rows, rows, columns, columns))
    kind = draw(st.sampled_from(["max", "average", "l1", "l2"]))
    return Pool(kind, (tall, wide), draw(strides), padding, draw(st.booleans()), draw(st.booleans()))


@st.composite
def subsamples(draw: st.DrawFn, shape: Shape) -> Subsample:
    window = draw(st.integers(1, min(3, shape[0]))), draw(st.integers(1, min(3, shape[1])))
    return Subsample(window, draw(strides))


response_norms = st.builds(
    LocalResponseNorm,
    st.integers(1, 7),
    st.sampled_from([1.0, 2.0]),
    st.sampled_from([1e-4, 0.5]),
    st.sampled_from([0.5, 0.75, 1.0]),
)
sized_pools = st.builds(AdaptivePool, st.one_of(st.integers(1, 4), st.tuples(st.integers(1, 4), st.integers(1, 4))))


@st.composite
def keeping(draw: st.DrawFn, features: int, stride: Any = 1) -> Layers:
    """A chain whose image is the input's, divided by the stride and rounded up, with `features` maps."""
    reach = draw(st.integers(0, 2))
    chain: Layers = (Conv(features, 2 * reach + 1, stride, reach, bias=draw(st.booleans())),)
    for layer in draw(st.lists(st.one_of(batch_norms, activations, dropouts), max_size=2)):
        chain = (*chain, layer)
    return chain


@st.composite
def residuals(draw: st.DrawFn, shape: Shape, depth: int) -> Residual:
    """A body and the identity, a projection or a padded shortcut."""
    way = draw(st.sampled_from(["identity", "projection", "padded"]))
    if way == "identity":
        return Residual((*draw(_nested(shape, depth)), *draw(keeping(shape[2]))))
    features = draw(st.integers(shape[2] if way == "padded" else 1, shape[2] + 3))
    stride = draw(strides)
    body = (*draw(_nested(shape, depth)), *draw(keeping(features, stride)), *draw(keeping(features)))
    shortcut: Layers = (PadShortcut(features, stride),) if way == "padded" else (Conv(features, 1, stride, bias=False),)
    return Residual(body, shortcut)


@st.composite
def branches(draw: st.DrawFn, shape: Shape, depth: int) -> Branches:
    """Ways whose images have the same size: convolutions, a pool, a nested word, and where nothing strides, nothing."""
    stride = draw(st.sampled_from([1, 1, 2, (1, 2)]))
    pool = st.sampled_from([(Pool(kind, 3, stride, 1),) for kind in ("max", "average", "l1", "l2")])
    kinds = [st.integers(1, 4).flatmap(lambda features: keeping(features, stride)), pool]
    if stride == 1:
        kinds += [st.just(()), _nested(shape, depth)]
    return Branches(tuple(draw(st.lists(st.one_of(*kinds), min_size=1, max_size=3))))


@st.composite
def _nested(draw: st.DrawFn, shape: Shape, depth: int) -> Layers:
    """Nothing, or one residual or group that gives the shape it was given."""
    if depth <= 1 or draw(st.booleans()):
        return ()
    inner = Residual(draw(keeping(shape[2])))
    return draw(st.sampled_from([(inner,), (Group((inner,)),)]))


@st.composite
def heads(draw: st.DrawFn, shape: Shape) -> AuxiliaryHead:
    flatten: Layers = (draw(st.sampled_from([Flatten(), GlobalPool()])),) if len(shape) == 3 else ()
    return AuxiliaryHead((*flatten, draw(denses)), draw(st.sampled_from([0.3, 1.0])))


@st.composite
def image_chains(draw: st.DrawFn, shape: Shape, depth: int, most: int = 4) -> Layers:
    """Layers from an image to an image."""
    chain: Layers = ()
    for _ in range(draw(st.integers(1, most))):
        plain = [convs(shape), partial_convs(shape), pools(shape), subsamples(shape), sized_pools]
        kept = [st.one_of(batch_norms, response_norms), st.one_of(activations, dropouts), heads(shape)]
        trees = [residuals(shape, depth), branches(shape, depth), _groups(shape, depth)] if depth else []
        chain = (*chain, draw(st.one_of(*plain, *kept, *trees)))
        shape = after(shape, chain[-1:])
    return chain


@st.composite
def _groups(draw: st.DrawFn, shape: Shape, depth: int) -> Group:
    return Group(draw(image_chains(shape, depth - 1, most=2)))


@st.composite
def flat_chains(draw: st.DrawFn, features: int) -> Layers:
    """Layers from a vector to a vector, ending in a dense layer or a radial basis."""
    shape: Shape = (features,)
    chain: Layers = ()
    for _ in range(draw(st.integers(0, 2))):
        joined = Branches(((), (draw(denses),)))
        added = Residual((Dense(shape[0]), draw(activations)))
        words = [denses, batch_norms, activations, dropouts, st.sampled_from([joined, added, Group((Dense(3),))])]
        chain = (*chain, draw(st.one_of(*words, st.just(Flatten()), heads(shape))))
        shape = after(shape, chain[-1:])
    if draw(st.booleans()):
        return (*chain, draw(denses))
    codes = st.text("#.", min_size=shape[0], max_size=shape[0])
    return (*chain, RadialBasis(tuple(draw(st.lists(codes, min_size=1, max_size=3)))))


@st.composite
def networks(draw: st.DrawFn, depth: int = 2) -> Network:
    """A small network that is possible at its input; some end in an image, most in a vector."""
    shape = draw(inputs)
    layers = draw(image_chains(shape, depth))
    if draw(st.integers(0, 3)):
        flatten = draw(st.sampled_from([Flatten(), GlobalPool()]))
        layers = (*layers, flatten)
        # A code of a radial basis is as long as its input: keep it short.
        (features,) = after(shape, layers)
        layers = (
            (*layers, Dense(8), *draw(flat_chains(8))) if features > 32 else (*layers, *draw(flat_chains(features)))
        )
    named = draw(st.lists(st.booleans(), min_size=len(layers), max_size=len(layers)))
    layers = tuple(replace(layer, name=f"own{at}") if named[at] else layer for at, layer in enumerate(layers))
    return Network("random", shape, layers, init=draw(st.sampled_from(INITIALIZATIONS)))


@st.composite
def mutated(draw: st.DrawFn) -> Network:
    """A valid network's layers, some of them gone or elsewhere, on another input: most cannot be."""
    network = draw(networks())
    order = draw(st.lists(st.sampled_from(network.layers), min_size=1, max_size=8))
    return replace(network, input=draw(inputs), layers=tuple(replace(layer, name="") for layer in order))


# What a TOML file may hold anywhere, right or wrong.
toml_values = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(),
        st.sampled_from([-1, 0, 1, 2, 2**31, 10**400]),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from([*KINDS, "max", "average", *WORDS, "#.#", "##. .#"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["layer", "name", "features", "window", "layers", "é"]), inner, max_size=3),
    ),
    max_leaves=6,
)
# What Python code may pass besides.
values = st.one_of(toml_values, st.none(), st.just(object()), st.binary(max_size=3), st.just(Flatten()))


@st.composite
def words_with(draw: st.DrawFn, value: st.SearchStrategy[Any]) -> tuple[str, dict[str, Any]]:
    """A word and arbitrary values for the fields it needs, and for some that it does not."""
    word = draw(st.sampled_from(sorted(WORDS)))
    chosen = {
        one.name: draw(value) for one in fields(WORDS[word]) if one.default is MISSING or draw(st.integers(0, 2)) == 0
    }
    return word, chosen


def is_refused(word: str, chosen: dict[str, Any]) -> bool:
    """Whether making the layer raises UsageError; anything else escapes."""
    try:
        WORDS[word](**chosen)
    except UsageError:
        return True
    return False
