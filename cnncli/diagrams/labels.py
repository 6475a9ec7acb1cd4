"""What pictures and trees call a layer, in a few words."""

from cnncli.errors import Bug
from cnncli.networks.checks import Padding, Pair, four_sides, two
from cnncli.networks.layers import (
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
    Layer,
    LocalResponseNorm,
    PadShortcut,
    PartialConv,
    Pool,
    RadialBasis,
    Residual,
    Subsample,
)
from cnncli.sizing.size import show

# The colours of a picture and its legend go by these.
KINDS: dict[type[Layer], str] = {
    **dict.fromkeys((Conv, PartialConv), "convolution"),
    **dict.fromkeys((Pool, AdaptivePool, GlobalPool, Subsample), "pooling"),
    **dict.fromkeys((Dense, RadialBasis), "dense"),
    **dict.fromkeys((BatchNorm, LocalResponseNorm), "normalization"),
    **dict.fromkeys((Activation, Dropout, Flatten, PadShortcut), "other"),
    Group: "group",
    AuxiliaryHead: "auxiliary head",
}

# Of a name in a diagram.
LONGEST = 28


def operation(layer: Layer) -> str:
    """What a layer does, with its window and stride: `conv 11x11/4`, `max 3x3/2`, `relu`."""
    match layer:
        case Conv():
            return "conv " + _window(layer.window, layer.stride)
        case PartialConv():
            return "partial conv " + _window(layer.window, layer.stride)
        case Pool():
            return f"{layer.kind} {_window(layer.window, layer.stride)}"
        case Subsample():
            return "subsample " + _window(layer.window, layer.stride)
        case AdaptivePool():
            return f"average to {show(two(layer.size))}"
        case GlobalPool():
            return "global average"
        case BatchNorm():
            return "batch norm"
        case LocalResponseNorm():
            return "response norm"
        case Activation():
            return layer.kind
        case Dropout():
            return f"dropout {layer.drop:g}"
        case PadShortcut():
            return f"zero-pad{_stride(layer.stride)}"
        case Dense() | Flatten() | RadialBasis() | Group() | Branches() | Residual() | AuxiliaryHead():
            return layer.word.replace("-", " ")
        case _:
            raise Bug(f"pictures know no layer '{layer.word}'")


def title(layer: Layer) -> str:
    """The same with the number of features: `conv 11x11/4, 96`, `dense 10`."""
    match layer:
        case Conv() | PadShortcut():
            return f"{operation(layer)}, {layer.features}"
        case PartialConv():
            return f"{operation(layer)}, {len(layer.table)}"
        case Dense():
            return f"{operation(layer)} {layer.features}"
        case RadialBasis():
            return f"{operation(layer)} {len(layer.codes)}"
        case _:
            return operation(layer)


def details(layer: Layer) -> list[str]:
    """What decides its size besides: padding, groups, rounding up."""
    said = [f"pad {_padding(padding)}"] if (padding := getattr(layer, "padding", 0)) else []
    if isinstance(layer, Conv) and layer.groups > 1:
        said.append(f"{layer.groups} groups")
    if isinstance(layer, Pool) and layer.ceil:
        said.append("rounded up")
    return said


def _window(window: Pair, stride: Pair) -> str:
    return show(two(window)) + _stride(stride)


def _stride(stride: Pair) -> str:
    return "" if stride == 1 else f"/{stride}" if isinstance(stride, int) else f"/{show(stride)}"


def _padding(padding: Padding) -> str:
    if isinstance(padding, int):
        return str(padding)
    return show(padding) if len(padding) == 2 else show(four_sides(padding))
