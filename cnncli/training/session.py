"""What a training has on the device and compiled: data, program, and the calls that move the state on."""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.data.dataset import Loaded
from cnncli.data.inputs import Fit, scale_for
from cnncli.data.order import Indices, hold_out, shuffled
from cnncli.data.placement import placement
from cnncli.errors import UsageError
from cnncli.evaluation.evaluate import Evaluator, Examples
from cnncli.evaluation.losses import class_weights
from cnncli.evaluation.metrics import evaluated
from cnncli.models.model import model
from cnncli.networks.layers import AuxiliaryHead
from cnncli.networks.network import Network, walk
from cnncli.sizing.report import Shape
from cnncli.sizing.size import show, size
from cnncli.training.recipe import Recipe
from cnncli.training.step import Objective, Program, State, Tally, train_steps

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
        self.rest = len(train) % recipe.batch_size // self.where.devices * self.where.devices
        self.rest = self.rest if recipe.last_batch == "train" else 0
        self.per_epoch = len(train) // recipe.batch_size + (self.rest > 0)
        self.steps = self.per_epoch * recipe.epochs
        self.rate = recipe.schedule.rate(recipe.optimizer.lr, self.steps)
        self.program = self._program(seen, labels[train])
        # Forward and backward are three times the forward pass.
        flop = 6 * max(size(network).totals.macs, 1) * recipe.batch_size
        self.steps_per_call = (
            1 if self.where.platform == "cpu" else int(min(max(FLOP_PER_CALL // flop, 1), STEPS_PER_CALL))
        )
        self._calls: dict[tuple[int, ...], Any] = {}
        self._ordered: tuple[int, Indices] | None = None
        self._evaluator = Evaluator(
            self.program.model, self.program.fit, recipe.loss, self.where, EVALUATION_BATCH, options
        )

    def _program(self, images: NDArray[np.uint8], labels: NDArray[np.int32]) -> Program:
        recipe, network = self.recipe, self.network
        weights = class_weights(labels, len(self.data.facts.classes), recipe.class_weights)
        counts = () if recipe.class_weights == "none" else tuple(map(float, weights))
        return Program(
            model=model(network, jnp.dtype(recipe.precision or "float32")),
            transformation=recipe.optimizer.transformation(self.rate),
            augment=recipe.augment.for_data(images),
            fit=Fit(recipe.fit or self.data.facts.fit, network.input[:2]),
            objective=Objective(recipe.loss, recipe.label_smoothing, counts),
            batch=self.where.split(),
            clip_norm=recipe.clip_norm,
            accumulate=recipe.accumulate,
            average=recipe.average,
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

    @property
    def bytes(self) -> int:
        """Memory of a state, on each device."""
        return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(self.like()))

    def chunk(self, step: int) -> Indices:
        """The indices (steps, batch) of the next call from a step on, never beyond its epoch.

        The order is a function of seed and epoch; images that fill no batch come last, in a smaller one or not at all.
        """
        epoch, at = divmod(step, self.per_epoch)
        order, size = self._order(epoch), self.recipe.batch_size
        whole = self.per_epoch - (self.rest > 0)
        if at == whole:
            return order[whole * size : whole * size + self.rest].reshape(1, self.rest)
        count = min(self.steps_per_call, whole - at)
        return order[at * size : (at + count) * size].reshape(count, size)

    def _order(self, epoch: int) -> Indices:
        if self._ordered is None or self._ordered[0] != epoch:
            self._ordered = (epoch, shuffled(len(self.train_examples.labels), self.recipe.seed, epoch))
        return self._ordered[1]

    def batch(self, step: int) -> Examples:
        """The images and labels of one step."""
        indices = self.chunk(step)[0]
        return Examples(self.train_examples.images[indices], self.train_examples.labels[indices])

    def train(self, state: State, chunk: Indices) -> tuple[State, Tally]:
        """Train on batches (steps, batch); the state given is used up."""
        placed = jax.device_put(chunk.astype(np.int32), self.where.split(axis=1))
        images, labels = self.train_examples.images, self.train_examples.labels
        if chunk.shape not in self._calls:
            self._compile(state, chunk.shape)
        trained: tuple[State, Tally] = self._calls[chunk.shape](state, images, labels, placed)
        return trained

    def compile(self, state: State) -> float:
        """Compile every call from here to the end; gives the seconds that took."""
        started, step = time.monotonic(), int(state.step)
        # After two whole epochs nothing new comes.
        end = min(self.steps, (step // self.per_epoch + 2) * self.per_epoch)
        while step < end:
            shape = self.chunk(step).shape
            if shape not in self._calls:
                self._compile(state, shape)
            step += shape[0]
        return time.monotonic() - started

    def _compile(self, state: State, shape: tuple[int, ...]) -> None:
        indices = jax.ShapeDtypeStruct(shape, np.int32, sharding=self.where.split(axis=1))
        call = jax.jit(partial(train_steps, self.program), donate_argnums=0, compiler_options=self.options)
        images, labels = self.train_examples.images, self.train_examples.labels
        self._calls[shape] = call.lower(state, images, labels, indices).compile()

    def validate(self, state: State) -> tuple[float, float] | tuple[None, None]:
        """Loss and accuracy on what was held out, if anything was."""
        if self.val_examples is None:
            return None, None
        predictions = self._evaluator.predict(state.evaluated, state.stats, state.scale, self.val_examples)
        result = evaluated(predictions, self.data.facts.classes)
        return result.loss, result.accuracy


def heads(network: Network) -> dict[str, Shape]:
    """What each auxiliary head gives, by its path."""
    names = {layer.name for layer in walk(network.named()) if isinstance(layer, AuxiliaryHead)}
    found: dict[str, Shape] = {}
    for row in size(network).rows:
        parts = row.path.split("/")
        if row.head and (inside := [at for at, part in enumerate(parts) if part in names]):
            found["/".join(parts[: inside[0] + 1])] = row.output
    return found


def check(recipe: Recipe, network: Network, data: Loaded) -> None:
    """Refuse what does not go together, before a folder is made or anything compiles."""
    placement().check_batch(recipe.batch_size)
    train, _ = hold_out(data.split.labels, recipe.validation, recipe.seed)
    if len(train) < recipe.batch_size:
        raise UsageError(
            f"batch_size is {recipe.batch_size}; expected at most the {len(train):,} images there are to train on"
        )
    share = recipe.batch_size // placement().devices
    if share % recipe.accumulate:
        device = " on each device" * (placement().devices > 1)
        raise UsageError(f"accumulate is {recipe.accumulate}; expected a divisor of the {share} images a step{device}")
    watching = recipe.stop.word != "none" or recipe.schedule.word == "plateau" or recipe.choose == "loss"
    if watching and recipe.validation == 0:
        raise UsageError("early stopping, a plateau and a choice by loss need images to validate on: validation=0.1")
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
    for head, given in heads(network).items():
        if given != (classes,):
            raise UsageError(f"{network.name}: head '{head}' gives {show(given)} outputs; expected {classes}")
