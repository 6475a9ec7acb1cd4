"""Where a training went wrong: in which layer the first number is none, in the step or the validation it was in."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from cnncli.data.inputs import prepare
from cnncli.evaluation.evaluate import Examples
from cnncli.models.arrays import over
from cnncli.models.build import Tap
from cnncli.models.model import Arrays
from cnncli.sizing.size import size
from cnncli.training.schedules import Watch
from cnncli.training.session import Session
from cnncli.training.step import Program, State, gradients, parts, prepared, watched

# Images of a validation looked through at a time.
BATCH = 500


def repeated(session: Session, state: State, step: int, paces: Mapping[int, Watch]) -> State:
    """The state before a step, from one that came earlier, which is used up; `paces` are those after some steps.

    The steps are the same to the bit, since their order and all that is random is a function of the seed.
    """
    while (at := int(state.step)) < step:
        if at in paces:
            state = replace(state, pace=session.where.everywhere(watched(paces[at])))
        state, _ = session.train(state, session.chunk(at)[:1], at)
    return state


def in_step(program: Program, state: State, batch: Examples) -> str:
    """What is not finite in a step: the first layer forward, else the loss, else the first layer backward; or ""."""
    seen = jax.jit(lambda state, images, labels: prepared(program, state, Examples(images, labels)))
    x, wanted = seen(state, batch.images, batch.labels)
    stats = state.stats
    for mine, key in parts(program, state, len(batch.labels)):
        layer, stats = _first(partial(_statistics, program, state.params, stats, x[mine], key))
        if layer:
            return f"first in layer {layer}"
    _, loss, _, slopes = jax.jit(partial(gradients, program))(state, x, wanted, batch.labels)
    if not jnp.isfinite(loss):
        return "first in the loss"
    layer = _backward(program, slopes)
    return f"first in the gradient of layer {layer}" if layer else ""


def _statistics(program: Program, params: Arrays, stats: Arrays, x: jax.Array, key: jax.Array, tap: Tap) -> Arrays:
    return over(stats, program.running.train(program.own(params), program.own(stats), x, key, tap)[1])


def in_validation(session: Session, state: State) -> str:
    """The first layer that is not finite for images held out, with the parameters that were validated; or ""."""
    if session.val_examples is None:
        return ""
    program = session.program
    own = program.own(state.evaluated), program.own(state.evaluated_stats)
    for start in range(0, len(session.val_examples.labels), BATCH):
        pixels = session.val_examples.images[start : start + BATCH].astype(jnp.float32)
        x = prepare(pixels, program.scale(state), program.fit)
        layer, _ = _first(partial(program.running.logits, *own, x))
        if layer:
            return f"first in layer {layer}"
    return ""


def _first(forward: Callable[..., Any]) -> tuple[str, Any]:
    """The path of the first layer of a forward pass that is not finite, and what the pass gives."""
    paths: list[str] = []

    def watched_pass() -> tuple[list[jax.Array], Any]:
        whole: list[jax.Array] = []

        def tap(path: str, value: jax.Array) -> jax.Array:
            paths.append(path)
            whole.append(jnp.all(jnp.isfinite(value)))
            return value

        given = forward(tap=tap)
        return whole, given

    whole, given = jax.jit(watched_pass)()
    return next((path for path, fine in zip(paths, whole, strict=True) if not fine), ""), given


def _backward(program: Program, slopes: Arrays) -> str:
    """The path of the last layer, which is the first in the backward pass, whose gradient has no finite norm."""
    leaves = jax.tree_util.tree_flatten_with_path(slopes)[0]
    broken = {
        jax.tree_util.keystr(path[:-1], simple=True, separator="/")
        for path, leaf in leaves
        if not jnp.isfinite(jnp.sum(leaf * leaf))
    }
    return next((row.path for row in reversed(size(program.model.network).rows) if row.path in broken), "")
