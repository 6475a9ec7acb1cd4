"""Activations and their derivatives as curves: where they saturate, and how much of a slope goes back through them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cnncli.drawing.figure import BLUE, ORANGE, TEXT, blank, plain, save
from cnncli.models.build import ACTIVATIONS

# What each is called in a lecture, as a function of x.
FORMULAS = {
    "sigmoid": "sigmoid: 1 / (1 + exp(-x))",
    "tanh": "tanh(x)",
    "scaled-tanh": "scaled tanh: 1.7159 tanh(2x/3)",
    "relu": "ReLU: max(0, x)",
    "leaky-relu": "leaky ReLU: max(0.01 x, x)",
    "elu": "ELU: x, or exp(x) - 1 below 0",
    "gelu": "GELU: x Φ(x)",
    "silu": "SiLU: x sigmoid(x)",
}
# The range of x, and in pixels a panel's width and height and the room for a title; panels side by side.
REACH, POINTS = 5.0, 1001
PANEL, HEIGHT, HEADING = 330, 300, 60
ACROSS = 4


@dataclass(frozen=True)
class Curve:
    """An activation and its derivative at some x."""

    kind: str
    x: NDArray[np.float32]
    value: NDArray[np.float32]
    slope: NDArray[np.float32]


def curve(kind: str, reach: float = REACH, points: int = POINTS) -> Curve:
    """One of the vocabulary's activations from -reach to reach, and its derivative as JAX takes it."""
    x, activation = np.linspace(-reach, reach, points, dtype=np.float32), ACTIVATIONS[kind]
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(activation)))(jnp.asarray(x))
    return Curve(kind, x, np.asarray(value), np.asarray(slope))


def draw(kinds: Sequence[str], path: Path, about: Mapping[str, str] | None = None) -> None:
    """Draw a panel for each kind as a PNG; DataError when it cannot be written."""
    across = min(ACROSS, len(kinds))
    down = -(-len(kinds) // across)
    figure = blank(max(across * PANEL, 2 * PANEL), down * HEIGHT + HEADING)
    figure.suptitle("activations (blue) and their derivatives (orange, dashed)", fontsize=TEXT + 2)
    panels = figure.subplots(down, across, squeeze=False).flat
    for axes, kind in zip(panels, kinds, strict=False):
        _panel(axes, curve(kind))
    for axes in list(panels)[len(kinds) :]:
        axes.set_visible(False)
    save(figure, path, about=about)


def _panel(axes: Axes, drawn: Curve) -> None:
    plain(axes)
    axes.set_title(FORMULAS[drawn.kind], fontsize=TEXT - 1, loc="left")
    axes.plot(drawn.x, drawn.value, color=BLUE, linewidth=2.4, label="value")
    axes.plot(drawn.x, drawn.slope, color=ORANGE, linewidth=2, linestyle="--", label="derivative")
    axes.axhline(0, color="#777777", linewidth=0.8)
    axes.axvline(0, color="#777777", linewidth=0.8)
    axes.set_xlabel("x", fontsize=TEXT - 1)
    axes.set_ylim(-2.1, 2.1)
    axes.set_xlim(-REACH, REACH)
    axes.text(0.97, 0.05, words(drawn), transform=axes.transAxes, ha="right", fontsize=TEXT - 3, color="#333333")


def words(drawn: Curve) -> str:
    """How much of a slope goes back at most."""
    return f"derivative at most {float(drawn.slope.max()):.3g}"
