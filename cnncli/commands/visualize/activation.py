"""`cnncli visualize activation`: activations with their derivatives as curves."""

from pathlib import Path
from typing import Annotated

import typer

from cnncli import runtime
from cnncli.commands.visualize.looking import Force, made, shown, target
from cnncli.errors import UsageError, nearest


def activation(
    kinds: Annotated[list[str] | None, typer.Argument(metavar="[KIND]...", help="sigmoid, relu, ...; all.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: activation.png here.")] = None,
    force: Force = False,
) -> None:
    """Sigmoid, tanh, 1.7159 tanh(2x/3), ReLU and the other activations, with their derivatives.

    cnncli visualize activation     cnncli visualize activation sigmoid relu --out two.png
    """
    path = target(out, None, "activation", force)
    runtime.configure("cpu")
    from cnncli.visualize.activation import FORMULAS, curve, draw, words

    for kind in kinds or ():
        if kind not in FORMULAS:
            raise UsageError(f"no activation '{kind}'{nearest(kind, FORMULAS)}")
    chosen = list(dict.fromkeys(kinds or FORMULAS))
    draw(chosen, path, made())
    shown(path, "; ".join(f"{kind}: {words(curve(kind))}" for kind in chosen))
