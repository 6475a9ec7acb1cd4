"""One step of training: a pure function of state and batch."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import NamedSharding

from cnncli.data.augment import Augmentation
from cnncli.data.inputs import Fit, Scale, prepare
from cnncli.evaluation.evaluate import Examples
from cnncli.evaluation.losses import LOSSES
from cnncli.models.model import Arrays, Model

# Parts the keys of steps from those of the initial weights, which are folded in from 0 up.
STEPS = 2**31


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Tally:
    """Sums over the epoch so far: losses, correct predictions, examples."""

    loss: jax.Array
    correct: jax.Array
    count: jax.Array

    @classmethod
    def empty(cls) -> "Tally":
        """Nothing seen."""
        return cls(jnp.zeros((), jnp.float32), jnp.zeros((), jnp.int32), jnp.zeros((), jnp.int32))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """Everything that changes in training; a checkpoint holds it whole, so a resumed step is the same step."""

    params: Arrays
    stats: Arrays
    scale: Scale
    optimizer: Any
    seed: jax.Array
    step: jax.Array
    tally: Tally


@dataclass(frozen=True)
class Program:
    """What does not change in training: compiled functions close over it."""

    model: Model
    transformation: optax.GradientTransformation
    augment: Augmentation
    fit: Fit
    loss: str
    batch: NamedSharding

    def initial(self, scale: Scale, seed: jax.Array | int) -> State:
        """The state before the first step; traceable, so jit it."""
        params, stats = self.model.initialize(seed)
        optimizer = self.transformation.init(params)
        step = jnp.zeros((), jnp.int32)
        return State(params, stats, scale, optimizer, jnp.asarray(seed, jnp.uint32), step, Tally.empty())


def train_steps(
    program: Program, state: State, images: jax.Array, labels: jax.Array, indices: jax.Array
) -> tuple[State, Tally]:
    """Train on the batches at `indices` (steps, batch), one after the other; the tally outlives a donated state.

    One step is run as it is: XLA's CPU backend is three times slower at convolutions inside a loop.
    """

    def step(state: State, batch: jax.Array) -> tuple[State, None]:
        batch = jax.lax.with_sharding_constraint(batch, program.batch)
        return train_step(program, state, Examples(images[batch], labels[batch])), None

    state = step(state, indices[0])[0] if len(indices) == 1 else jax.lax.scan(step, state, indices)[0]
    return state, state.tally


def train_step(program: Program, state: State, batch: Examples) -> State:
    """One step of descent on a batch of images (batch, height, width, channel) uint8 and labels (batch,)."""
    # A key a step, from the seed alone: nothing random is ever carried on, and every seed runs the same program.
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(state.seed), STEPS), state.step)
    change, drop = jax.random.split(key)
    x = prepare(batch.images.astype(jnp.float32), state.scale, program.fit, partial(program.augment, change))

    def objective(params: Arrays) -> tuple[jax.Array, tuple[jax.Array, jax.Array, Arrays]]:
        output, stats = program.model.train(params, state.stats, x, drop)
        logits = output.logits.astype(jnp.float32)
        loss = jnp.mean(LOSSES[program.loss](logits, batch.labels))
        heads = sum(
            weight * jnp.mean(LOSSES[program.loss](head.astype(jnp.float32), batch.labels))
            for weight, head in output.heads
        )
        return loss + heads, (loss, logits, stats)

    (_, (loss, logits, stats)), gradients = jax.value_and_grad(objective, has_aux=True)(state.params)
    updates, optimizer = program.transformation.update(gradients, state.optimizer, state.params)
    size = len(batch.labels)
    correct = jnp.sum(jnp.argmax(logits, axis=-1) == batch.labels)
    return replace(
        state,
        params=optax.apply_updates(state.params, updates),
        stats=stats,
        optimizer=optimizer,
        step=state.step + 1,
        tally=Tally(state.tally.loss + size * loss, state.tally.correct + correct, state.tally.count + size),
    )
