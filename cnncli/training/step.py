"""One step of training: a pure function of state and batch."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax
from jax.sharding import NamedSharding

from cnncli.data.augment import Augment
from cnncli.data.inputs import Fit, Scale, scaled
from cnncli.evaluation.evaluate import Examples
from cnncli.evaluation.losses import LOSSES, targets
from cnncli.models.arrays import over, without
from cnncli.models.model import Arrays, Model
from cnncli.training.schedules import Watch
from cnncli.training.tail import Section, as_it_is

Made = TypeVar("Made")
# Images, targets, shares and labels; and loss, correct predictions and gradients.
Batch = tuple[jax.Array, ...]
Sums = tuple[jax.Array, jax.Array, Arrays]
OfPart = Callable[[Arrays, Batch, jax.Array], tuple[Sums, Arrays]]

# Parts the keys of steps from those of the initial weights, which are folded in from 0 up.
STEPS = 2**31
# The step of a tally in which every number was finite.
NEVER = 2**31 - 1
# A young average forgets faster, so that it does not remember the initial weights.
YOUNG = 10.0


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Tally:
    """Sums over the epoch so far: losses, correct predictions, examples, gradient norms; and the first bad step.

    `bad` is the first step whose loss or gradient was no number, counted from 0 over the whole training.
    """

    loss: jax.Array
    correct: jax.Array
    count: jax.Array
    gradient: jax.Array
    steps: jax.Array
    bad: jax.Array

    @classmethod
    def empty(cls) -> "Tally":
        """Nothing seen."""
        # Arrays of their own: none can be given away twice.
        loss, gradient = (jnp.zeros((), jnp.float32) for _ in range(2))
        correct, count, steps = (jnp.zeros((), jnp.int32) for _ in range(3))
        return cls(loss, correct, count, gradient, steps, jnp.full((), NEVER, jnp.int32))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """Everything that changes in training; a checkpoint holds it whole, so a resumed step is the same step.

    `average` is the moving average of the parameters and `average_stats` that of the statistics, empty where none is
    kept; `pace` what the schedule and `patience` what early stopping remember of validation, as arrays of a `Watch`.
    """

    params: Arrays
    stats: Arrays
    average: Arrays
    average_stats: Arrays
    scale: Scale
    optimizer: Any
    seed: jax.Array
    step: jax.Array
    tally: Tally
    pace: dict[str, jax.Array]
    patience: dict[str, jax.Array]

    @property
    def evaluated(self) -> Arrays:
        """The parameters that validation and evaluation use."""
        return self.average or self.params

    @property
    def evaluated_stats(self) -> Arrays:
        """The statistics that go with them."""
        return self.average_stats or self.stats


def watched(watch: Watch) -> dict[str, jax.Array]:
    """What is remembered of validation, as arrays."""
    return {key: jnp.asarray(value, jnp.float32) for key, value in asdict(watch).items()}


@dataclass(frozen=True)
class Objective:
    """What is minimized: the mean loss of smoothed targets; examples count as their class does (none: all the same)."""

    loss: str = "cross-entropy"
    smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()

    def targets(self, labels: jax.Array, classes: int) -> jax.Array:
        """What is to be learned of labels (batch,): a distribution each (batch, class)."""
        return targets(labels, classes, self.smoothing)

    def shares(self, wanted: jax.Array) -> jax.Array:
        """What each example of a batch with these targets (batch, class) counts for, (batch,): shares of 1."""
        if not self.class_weights:
            return jnp.full(len(wanted), 1 / len(wanted), wanted.dtype)
        # Smoothing does not make an example one of another class.
        own = wanted - self.smoothing / wanted.shape[-1]
        weights = jnp.sum(own * jnp.asarray(self.class_weights, wanted.dtype), axis=-1)
        return weights / jnp.sum(weights)

    def __call__(self, logits: jax.Array, wanted: jax.Array, shares: jax.Array) -> jax.Array:
        """The sum over examples of their share of the loss, from logits and targets (batch, class)."""
        return jnp.sum(shares * LOSSES[self.loss](logits.astype(jnp.float32), wanted))


@dataclass(frozen=True)
class Program:
    """What does not change in training: compiled functions close over it.

    `clip_norm` bounds the norm of the gradient (0: not at all), which is the mean of `accumulate` parts of a batch;
    `average` is the share of the moving average kept a step (0: none is kept). The layers whose paths are `frozen` stay
    as they are. With a `tail`, images are the features that it sees, and only its layers are computed.
    """

    model: Model
    transformation: optax.GradientTransformationExtraArgs
    augment: Augment
    fit: Fit
    objective: Objective
    batch: NamedSharding
    clip_norm: float = 0.0
    accumulate: int = 1
    average: float = 0.0
    frozen: frozenset[str] = frozenset()
    tail: Section | None = None

    @property
    def running(self) -> Model:
        """What is computed in a step: the network, or its tail."""
        return self.model if self.tail is None else self.tail.model

    def own(self, arrays: Arrays) -> Arrays:
        """The arrays of the running model among all of the network's."""
        return arrays if self.tail is None else self.tail.own(arrays)

    def scale(self, state: State) -> Scale:
        """How what comes in is scaled."""
        return state.scale if self.tail is None else as_it_is()

    def initial(
        self, scale: Scale, seed: jax.Array | int, params: Arrays | None = None, stats: Arrays | None = None
    ) -> State:
        """The state before the first step, with arrays that are given instead of new ones; traceable, so jit it."""
        fresh, still = self.model.initialize(seed)
        params, stats = over(fresh, params or {}), over(still, stats or {})
        return State(
            params=params,
            stats=stats,
            average=jax.tree.map(jnp.copy, params) if self.average else {},
            average_stats=jax.tree.map(jnp.copy, stats) if self.average else {},
            scale=scale,
            optimizer=self.transformation.init(params),
            seed=jnp.asarray(seed, jnp.uint32),
            step=jnp.zeros((), jnp.int32),
            tally=Tally.empty(),
            pace=watched(Watch()),
            patience=watched(Watch()),
        )


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


def keys(state: State) -> tuple[jax.Array, jax.Array]:
    """The keys of this step, for augmentation and for dropout."""
    # A key a step, from the seed alone: nothing random is ever carried on, and every seed runs the same program.
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(state.seed), STEPS), state.step)
    change, drop = jax.random.split(key)
    return change, drop


def prepared(program: Program, state: State, batch: Examples) -> tuple[jax.Array, jax.Array]:
    """What the network sees of a batch in training, and what it is to learn of it."""

    def make() -> tuple[jax.Array, jax.Array]:
        wanted = program.objective.targets(batch.labels, program.model.classes)
        x = program.fit(batch.images.astype(jnp.float32))
        x, wanted = program.augment(keys(state)[0], x, wanted)
        return scaled(x, program.scale(state), program.fit), wanted

    return _once(make, state.step) if jax.default_backend() == "cpu" else make()


def _once(make: Callable[[], Made], step: jax.Array) -> Made:
    """What `make` gives, as a branch that is always taken.

    XLA's CPU backend would else work it out anew for every operation that reads it: LeNet5 trains 1.7 times as fast.
    """
    shapes = jax.eval_shape(make)
    nothing = jax.tree.map(lambda one: jnp.zeros(one.shape, one.dtype), shapes)
    made: Made = jax.lax.cond(step >= 0, make, lambda: nothing)
    return made


def train_step(program: Program, state: State, batch: Examples) -> State:
    """One step of descent on a batch of images (batch, height, width, channel) uint8 and labels (batch,)."""
    x, wanted = prepared(program, state, batch)
    stats, loss, correct, slopes = gradients(program, state, x, wanted, batch.labels)
    trained = without(state.params, program.frozen)
    norm = optax.tree.norm(slopes)
    if program.clip_norm:
        slopes = jax.tree.map(lambda slope: slope * jnp.minimum(1.0, program.clip_norm / (norm + 1e-6)), slopes)
    updates, optimizer = program.transformation.update(slopes, state.optimizer, trained, scale=state.pace["scale"])
    trained = optax.apply_updates(trained, updates)
    seen, size = state.tally, len(batch.labels)
    finite = jnp.isfinite(loss) & jnp.isfinite(norm)
    return replace(
        state,
        params=over(state.params, trained),
        stats=stats,
        average=_averaged(program, state.step, state.average, trained),
        average_stats=_averaged(program, state.step, state.average_stats, stats),
        optimizer=optimizer,
        step=state.step + 1,
        tally=Tally(
            loss=seen.loss + size * loss,
            correct=seen.correct + correct,
            count=seen.count + size,
            gradient=seen.gradient + norm,
            steps=seen.steps + 1,
            bad=jnp.where(finite, seen.bad, jnp.minimum(seen.bad, state.step)),
        ),
    )


def parts(program: Program, state: State, size: int) -> list[tuple[slice, jax.Array]]:
    """The parts in which a batch of so many images is computed, and each one's key for dropout."""
    # A last batch may have fewer images than there are parts.
    count, drop = min(program.accumulate, size), keys(state)[1]
    # Every so-many-th image, so that a batch that is split over devices stays split over all of them.
    return [(slice(at, None, count), jax.random.fold_in(drop, at) if count > 1 else drop) for at in range(count)]


def gradients(
    program: Program, state: State, x: jax.Array, wanted: jax.Array, labels: jax.Array
) -> tuple[Arrays, jax.Array, jax.Array, Arrays]:
    """Statistics, loss, correct predictions and gradients of a batch: the sums over its parts."""
    batch, stats = (x, wanted, program.objective.shares(wanted), labels), state.stats
    of_part = partial(_part, program, state.params)
    split = parts(program, state, len(labels))
    # A loop keeps one part at a time in memory; XLA's CPU backend would take ten times as long for it.
    if len(split) > 1 and len(labels) % len(split) == 0 and jax.default_backend() != "cpu":
        sums, stats = looped(of_part, stats, batch, [key for _, key in split])
        return stats, *sums
    first, *others = split
    sums, stats = of_part(stats, _of(batch, first[0]), first[1])
    for mine, key in others:
        more, stats = of_part(stats, _of(batch, mine), key)
        sums = jax.tree.map(jnp.add, sums, more)
    return stats, *sums


def looped(of_part: OfPart, stats: Arrays, batch: Batch, keys: list[jax.Array]) -> tuple[Sums, Arrays]:
    """The sums over equal parts of a batch, one after the other, and the statistics after the last."""
    count = len(keys)
    stacked = tuple(jnp.moveaxis(one.reshape(-1, count, *one.shape[1:]), 1, 0) for one in batch)
    shapes = jax.eval_shape(of_part, stats, tuple(one[0] for one in stacked), keys[0])[0]
    nothing = jax.tree.map(lambda one: jnp.zeros(one.shape, one.dtype), shapes)

    def add(before: tuple[Sums, Arrays], part: tuple[Batch, jax.Array]) -> tuple[tuple[Sums, Arrays], None]:
        more, stats = of_part(before[1], *part)
        return (jax.tree.map(jnp.add, before[0], more), stats), None

    after: tuple[Sums, Arrays] = jax.lax.scan(add, (nothing, stats), (stacked, jnp.stack(keys)))[0]
    return after


def _of(batch: Batch, mine: slice) -> Batch:
    return tuple(one[mine] for one in batch)


def _part(program: Program, params: Arrays, stats: Arrays, batch: Batch, key: jax.Array) -> tuple[Sums, Arrays]:
    """Loss, correct predictions and gradients of a part of a batch, and the statistics after it."""
    x, wanted, shares, labels = batch

    def objective(trained: Arrays) -> tuple[jax.Array, tuple[jax.Array, jax.Array, Arrays]]:
        own = program.own(over(params, trained)), program.own(stats)
        output, after = program.running.train(*own, x, key)
        loss = program.objective(output.logits, wanted, shares)
        heads = sum(weight * program.objective(head, wanted, shares) for weight, head in output.heads)
        correct = jnp.sum(jnp.argmax(output.logits, axis=-1) == labels)
        return loss + heads, (loss, correct, over(stats, after))

    (_, (loss, correct, after)), slopes = jax.value_and_grad(objective, has_aux=True)(without(params, program.frozen))
    return (loss, correct, slopes), after


def _averaged(program: Program, at: jax.Array, before: Arrays, after: Arrays) -> Arrays:
    """A moving average after this step; what is frozen is its own average, to the bit."""
    if not program.average:
        return {}
    step = at.astype(jnp.float32) + 1
    kept = jnp.minimum(program.average, step / (YOUNG + step))
    changing = without(before, program.frozen), without(after, program.frozen)
    return over(before, jax.tree.map(lambda old, new: kept * old + (1 - kept) * new, *changing))
