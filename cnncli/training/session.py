"""What a training has on the device and compiled: data, program, and the calls that move the state on."""

import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cnncli.data.dataset import Loaded, Split
from cnncli.data.inputs import Fit, scale_for
from cnncli.data.memory import LIMIT
from cnncli.data.order import Indices, hold_out, shuffled
from cnncli.data.placement import placement
from cnncli.errors import UsageError
from cnncli.evaluation.evaluate import Evaluator, Examples
from cnncli.evaluation.losses import class_weights
from cnncli.evaluation.metrics import evaluated
from cnncli.models.model import model
from cnncli.networks.network import Network
from cnncli.sizing.report import Shape
from cnncli.sizing.size import show, size
from cnncli.training.events import Featured
from cnncli.training.freezing import freezing, inside_heads
from cnncli.training.groups import grouped, shares
from cnncli.training.recipe import Recipe
from cnncli.training.start import Start
from cnncli.training.step import Objective, Program, State, Tally, train_steps
from cnncli.training.tail import Cut, Extractor, Section, cut

# On accelerators several steps are one call: enough to hide Python, few enough that a signal is heeded soon, even by a
# device of no more than some 10 TFLOP/s.
STEPS_PER_CALL = 64
FLOP_PER_CALL = 2e13
EVALUATION_BATCH = 500


class Session:
    """One training on this process's devices, from new arrays or from a start.

    `data` is the training split, of which the recipe holds out its share unless the dataset holds out images itself.
    Raises UsageError when recipe, network and data do not go together.
    """

    def __init__(
        self, recipe: Recipe, network: Network, data: Loaded, options: dict[str, str], start: Start | None = None
    ) -> None:
        check(recipe, network, data)
        self.recipe, self.network, self.data, self.options, self.start = recipe, network, data, options, start
        self.where = placement()
        train, held = parted(recipe, data)
        self.train_examples = Examples.placed(train.images, train.labels, self.where)
        self.val_examples = Examples.placed(held.images, held.labels, self.where) if held else None
        self.scale = (start and start.scale) or scale_for(recipe.scaling, data.facts, train.images)
        count = len(train.labels)
        self.rest = count % recipe.batch_size // self.where.devices * self.where.devices
        self.rest = self.rest if recipe.last_batch == "train" else 0
        self.per_epoch = count // recipe.batch_size + (self.rest > 0)
        self.steps = self.per_epoch * recipe.epochs
        self.fit = Fit(recipe.fit or data.facts.fit, network.input[:2])
        self.rate = recipe.schedule.rate(recipe.optimizer.lr, self.steps)
        self.freezing = freezing(network, recipe.freeze, recipe.thaw, recipe.epochs)
        self.cut, self.notes = self._cut(count + (len(held.labels) if held else 0))
        self.starts, self.programs = self._phases(train)
        # Forward and backward are three times the forward pass.
        flop = 6 * max(size(self.cut.above if self.cut else network).totals.macs, 1) * recipe.batch_size
        self.steps_per_call = (
            1 if self.where.platform == "cpu" else int(min(max(FLOP_PER_CALL // flop, 1), STEPS_PER_CALL))
        )
        self._calls: dict[tuple[int, tuple[int, ...]], Any] = {}
        self._ordered: tuple[int, Indices] | None = None
        self._evaluator = Evaluator(
            self.program.running, self.program.fit, recipe.loss, self.where, EVALUATION_BATCH, options
        )

    @property
    def program(self) -> Program:
        """The first step's program; other phases only differ in what is frozen."""
        return self.programs[0]

    def at(self, step: int) -> Program:
        """The program of a step."""
        return self.programs[self.phase(step)]

    def phase(self, step: int) -> int:
        """The phase that a step is in, by its number."""
        return bisect_right(self.starts, step) - 1

    def _cut(self, count: int) -> tuple[Cut | None, tuple[str, ...]]:
        """Where the network can be cut, so that features of `count` images are computed once; or why it is not."""
        found = cut(self.network, self.freezing)
        if found is None:
            return None, ()
        if self.recipe.augment.steps:
            part = f"up to {found.path} nothing ever trains"
            return None, (f"{part}: with --augment none that part is computed once instead of in every epoch",)
        if (needed := found.bytes(count, self.recipe.precision or "float32")) > LIMIT:
            room = f"{needed / 2**30:.1f} GiB, more than {LIMIT / 2**30:.0f} GiB"
            return None, (f"features of all images up to {found.path} would take {room}: computed in every epoch anew",)
        return found, ()

    def _phases(self, train: Split) -> tuple[list[int], list[Program]]:
        """The first step of each phase and its program: with each, more layers train."""
        recipe, network, facts, dtype = self.recipe, self.network, self.data.facts, self.recipe.precision or "float32"
        counts = class_weights(train.labels, len(facts.classes), recipe.class_weights)
        weights = () if recipe.class_weights == "none" else tuple(map(float, counts))
        own = shares(network, recipe.lr_shares, self.freezing)
        common: dict[str, Any] = {
            "transformation": grouped(recipe.optimizer, self.rate, self.freezing, self.per_epoch, own),
            "augment": recipe.augment.for_data(train.images),
            "fit": replace(self.fit, size=self.cut.shape[:2]) if self.cut else self.fit,
            "objective": Objective(recipe.loss, recipe.label_smoothing, weights),
            "batch": self.where.split(),
            "clip_norm": recipe.clip_norm,
            "accumulate": recipe.accumulate,
            "average": recipe.average,
        }
        programs = []
        for stage in self.freezing.stages:
            frozen = self.freezing.at(stage.epoch)
            tail = Section.of(self.cut.above, dtype, frozen) if self.cut else None
            built = model(network, jnp.dtype(dtype), frozen=frozen)
            programs.append(Program(model=built, frozen=frozen, tail=tail, **common))
        return [(stage.epoch - 1) * self.per_epoch for stage in self.freezing.stages], programs

    def initial(self) -> State:
        """The state before the first step, on every device."""
        make = jax.jit(self.program.initial, out_shardings=self.where.replicated, compiler_options=self.options)
        given = (self.start.params, self.start.stats) if self.start else ()
        state: State = make(self.scale, self.recipe.seed, *given)
        return state

    def featured(self, state: State) -> Iterator[Featured]:
        """Put features in the place of images where the network is cut; needed once, before the first step."""
        if self.cut is None:
            return
        extract = Extractor(self.cut, self.recipe.precision or "float32", self.fit, self.where, self.options)
        began = time.monotonic()
        given = [self.train_examples, *([self.val_examples] if self.val_examples else [])]
        done, count, seen = 0, sum(len(examples.labels) for examples in given), []
        for examples in given:
            parts = []
            for part in extract(state.params, state.stats, state.scale, examples):
                parts.append(part)
                done += len(part)
                yield Featured(self.cut.path, done, count, time.monotonic() - began)
            seen.append(Examples(jnp.concatenate(parts), examples.labels))
        self.train_examples, self.val_examples = seen[0], seen[1] if self.val_examples else None

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

    def train(self, state: State, chunk: Indices, step: int = 0) -> tuple[State, Tally]:
        """Train on batches (steps, batch), the first of which is that of `step`; the state given is used up."""
        placed = jax.device_put(chunk.astype(np.int32), self.where.split(axis=1))
        images, labels = self.train_examples.images, self.train_examples.labels
        if (call := (self.phase(step), chunk.shape)) not in self._calls:
            self._compile(state, *call)
        trained: tuple[State, Tally] = self._calls[call](state, images, labels, placed)
        return trained

    def compile(self, state: State) -> float:
        """Compile every call from here to the end; gives the seconds that took."""
        started, step = time.monotonic(), int(state.step)
        for end in (*self.starts[self.phase(step) + 1 :], self.steps):
            # After two whole epochs of a phase nothing new comes.
            some = min(end, (step // self.per_epoch + 2) * self.per_epoch)
            while step < some:
                call = self.phase(step), self.chunk(step).shape
                if call not in self._calls:
                    self._compile(state, *call)
                step += call[1][0]
            step = end
        return time.monotonic() - started

    def _compile(self, state: State, phase: int, shape: tuple[int, ...]) -> None:
        indices = jax.ShapeDtypeStruct(shape, np.int32, sharding=self.where.split(axis=1))
        run = partial(train_steps, self.programs[phase])
        call = jax.jit(run, donate_argnums=0, compiler_options=self.options)
        images, labels = self.train_examples.images, self.train_examples.labels
        self._calls[phase, shape] = call.lower(state, images, labels, indices).compile()

    def validate(self, state: State) -> tuple[float, float] | tuple[None, None]:
        """Loss and accuracy on what was held out, if anything was."""
        if self.val_examples is None:
            return None, None
        program = self.program
        arrays = program.own(state.evaluated), program.own(state.evaluated_stats), program.scale(state)
        predictions = self._evaluator.predict(*arrays, self.val_examples)
        result = evaluated(predictions, self.data.facts.classes)
        return result.loss, result.accuracy


def parted(recipe: Recipe, data: Loaded) -> tuple[Split, Split | None]:
    """What is trained on, and what is held out to validate on, if anything is."""
    if data.held is not None and recipe.validation:
        return data.split, data.held
    images, labels = data.split.images, data.split.labels
    train, held = hold_out(labels, recipe.validation, recipe.seed)
    return Split(images[train], labels[train]), Split(images[held], labels[held]) if len(held) else None


def heads(network: Network) -> dict[str, Shape]:
    """What each auxiliary head gives, by its path."""
    inside, outputs = inside_heads(network), {row.path: row.output for row in size(network).rows}
    return {head: outputs[path] for path, head in inside.items()}


def check(recipe: Recipe, network: Network, data: Loaded) -> None:
    """Refuse what does not go together, before a folder is made or anything compiles."""
    placement().check_batch(recipe.batch_size)
    count = len(data.split.labels)
    if data.held is None:
        count = len(hold_out(data.split.labels, recipe.validation, recipe.seed)[0])
    if count < recipe.batch_size:
        raise UsageError(
            f"batch_size is {recipe.batch_size}; expected at most the {count:,} images there are to train on"
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
    shares(network, recipe.lr_shares, freezing(network, recipe.freeze, recipe.thaw, recipe.epochs))
    for head, given in heads(network).items():
        if given != (classes,):
            raise UsageError(f"{network.name}: head '{head}' gives {show(given)} outputs; expected {classes}")
