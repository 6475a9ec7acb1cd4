"""What a training has on the device and compiled: data, program, and the calls that move the state on."""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cnncli.data.dataset import Loaded
from cnncli.data.inputs import Fit, scale_for
from cnncli.data.order import Indices, hold_out, shuffled
from cnncli.data.placement import placement
from cnncli.errors import UsageError
from cnncli.evaluation.evaluate import Evaluator, Examples
from cnncli.evaluation.metrics import evaluated
from cnncli.models.model import model
from cnncli.networks.network import Network
from cnncli.sizing.size import show, size
from cnncli.training.recipe import Recipe
from cnncli.training.step import Program, State, Tally, train_steps

# On accelerators several steps are one call: enough to hide Python, few enough that a signal is heeded soon, even by a
# device of no more than some 10 TFLOP/s.
STEPS_PER_CALL = 64
FLOP_PER_CALL = 2e13
EVALUATION_BATCH = 500


class Session:
    """One training on this process's devices.

    `data` is the training split, of which the recipe holds out its share. Raises UsageError when recipe, network and
    data do not go together.
    """

    def __init__(self, recipe: Recipe, network: Network, data: Loaded, options: dict[str, str]) -> None:
        check(recipe, network, data)
        self.recipe, self.network, self.data, self.options = recipe, network, data, options
        self.where = placement()
        train, val = hold_out(data.split.labels, recipe.validation, recipe.seed)
        images, labels = data.split.images, data.split.labels
        seen = images[train]
        self.train_examples = Examples.placed(seen, labels[train], self.where)
        self.val_examples = Examples.placed(images[val], labels[val], self.where) if len(val) else None
        self.scale = scale_for(recipe.scaling, data.facts, seen)
        self.per_epoch = len(train) // recipe.batch_size
        self.steps = self.per_epoch * recipe.epochs
        self.rate = recipe.schedule.rate(recipe.optimizer.lr, self.steps)
        self.program = self._program()
        # Forward and backward are three times the forward pass.
        flop = 6 * max(size(network).totals.macs, 1) * recipe.batch_size
        self.steps_per_call = (
            1 if self.where.platform == "cpu" else int(min(max(FLOP_PER_CALL // flop, 1), STEPS_PER_CALL))
        )
        self._calls: dict[int, Any] = {}
        self._evaluator = Evaluator(
            self.program.model, self.program.fit, recipe.loss, self.where, EVALUATION_BATCH, options
        )

    def _program(self) -> Program:
        recipe, network = self.recipe, self.network
        return Program(
            model=model(network, jnp.dtype(recipe.precision or "float32")),
            transformation=recipe.optimizer.transformation(self.rate),
            augment=recipe.augment,
            fit=Fit(recipe.fit or self.data.facts.fit, network.input[:2]),
            loss=recipe.loss,
            batch=self.where.split(),
        )

    def initial(self) -> State:
        """The state before the first step, on every device."""
        make = jax.jit(self.program.initial, out_shardings=self.where.replicated, compiler_options=self.options)
        state: State = make(self.scale, self.recipe.seed)
        return state

    def like(self) -> State:
        """The shapes, dtypes and shardings of a state, for restoring one."""
        shapes = jax.eval_shape(self.program.initial, self.scale, self.recipe.seed)
        like: State = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=self.where.replicated), shapes
        )
        return like

    def batches(self, epoch: int) -> Indices:
        """The indices (steps, batch) of an epoch, a function of seed and epoch; those that fill no batch are left."""
        order = shuffled(len(self.train_examples.labels), self.recipe.seed, epoch)
        return order[: self.per_epoch * self.recipe.batch_size].reshape(self.per_epoch, self.recipe.batch_size)

    def train(self, state: State, batches: Indices) -> tuple[State, Tally]:
        """Train on batches (steps, batch); the state given is used up."""
        placed = jax.device_put(batches.astype(np.int32), self.where.split(axis=1))
        images, labels = self.train_examples.images, self.train_examples.labels
        trained: tuple[State, Tally] = self._calls[len(batches)](state, images, labels, placed)
        return trained

    def compile(self, state: State) -> float:
        """Compile every call from here to the end; gives the seconds that took."""
        started = time.monotonic()
        for steps in self._lengths(int(state.step)):
            indices = jax.ShapeDtypeStruct((steps, self.recipe.batch_size), np.int32, sharding=self.where.split(axis=1))
            call = jax.jit(partial(train_steps, self.program), donate_argnums=0, compiler_options=self.options)
            images, labels = self.train_examples.images, self.train_examples.labels
            self._calls[steps] = call.lower(state, images, labels, indices).compile()
        return time.monotonic() - started

    def _lengths(self, step: int) -> set[int]:
        """The numbers of steps that calls will have: whole ones, and what is left at the end of an epoch."""
        this_epoch = self.per_epoch - step % self.per_epoch
        stretches = {this_epoch} if step + this_epoch >= self.steps else {this_epoch, self.per_epoch}
        lengths = {
            length for left in stretches for length in (min(left, self.steps_per_call), left % self.steps_per_call)
        }
        return lengths - {0}

    def validate(self, state: State) -> tuple[float, float] | tuple[None, None]:
        """Loss and accuracy on what was held out, if anything was."""
        if self.val_examples is None:
            return None, None
        predictions = self._evaluator.predict(state.params, state.stats, state.scale, self.val_examples)
        result = evaluated(predictions, self.data.facts.classes)
        return result.loss, result.accuracy


def check(recipe: Recipe, network: Network, data: Loaded) -> None:
    """Refuse what does not go together, before a folder is made or anything compiles."""
    placement().check_batch(recipe.batch_size)
    train, _ = hold_out(data.split.labels, recipe.validation, recipe.seed)
    if len(train) < recipe.batch_size:
        raise UsageError(
            f"batch_size is {recipe.batch_size}; expected at most the {len(train):,} images there are to train on"
        )
    facts, channels = data.facts, network.input[2]
    if facts.shape[2] != channels:
        shape = show((*network.input[:2], facts.shape[2]))
        raise UsageError(
            f"{network.name} takes {channels} channels, {facts.name} has {facts.shape[2]}: add --input {shape}"
        )
    output, classes = size(network).output, len(facts.classes)
    if output != (classes,):
        raise UsageError(
            f"{network.name} gives {show(output)} outputs, {facts.name} has {classes} classes: add --classes {classes}"
        )
