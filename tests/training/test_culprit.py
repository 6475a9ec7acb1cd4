"""The layer that is named is the one where the first number is none."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.data.augment import Augment
from cnncli.data.inputs import Fit
from cnncli.data.placement import placement
from cnncli.evaluation.evaluate import Examples
from cnncli.models.model import model
from cnncli.networks.layers import (
    Activation,
    AuxiliaryHead,
    BatchNorm,
    Branches,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Group,
    Residual,
)
from cnncli.networks.network import Network
from cnncli.training.culprit import in_step, in_validation
from cnncli.training.optimizers import Sgd
from cnncli.training.recipe import changed
from cnncli.training.schedules import Constant
from cnncli.training.session import Session
from cnncli.training.step import NEVER, Objective, Program, train_steps

SCALE = {"shift": np.zeros(1, np.float32), "factor": np.full(1, 1 / 255, np.float32)}
BATCH = Examples(
    jnp.asarray(np.random.default_rng(0).integers(1, 256, (6, 4, 4, 1), np.uint8)), jnp.array([0, 1, 2, 0, 1, 2])
)
DEEP = (
    Conv(4, 3, padding=1, name="conv1"),
    BatchNorm(name="norm1"),
    Activation("relu"),
    Group((Conv(4, 3, padding=1, name="a"), Activation("tanh"), Conv(4, 3, padding=1, name="b")), name="block"),
    Residual((Conv(4, 3, padding=1, name="body"), BatchNorm(name="bn")), (), name="res"),
    Branches(((Conv(2, 1, name="left"),), (Conv(2, 3, padding=1, name="right"),)), name="ways"),
    AuxiliaryHead((GlobalPool(), Dense(3, name="side")), weight=0.3, name="head"),
    Dropout(0.5, name="drop"),
    GlobalPool(),
    Dense(3, name="out"),
)


def program(layers=DEEP, **how):
    transformation = Sgd(lr=0.1).transformation(Constant().rate(0.1, 1))
    how = {"augment": Augment(), "objective": Objective(), **how}
    built = model(Network("tiny", (4, 4, 1), layers))
    return Program(built, transformation, fit=Fit("pad", (4, 4)), batch=placement().split(), **how)


def first_bad(program, state, batch=BATCH):
    """The first bad step that a tally of one step tells."""
    call = jax.jit(partial(train_steps, program))
    return int(call(state, batch.images, batch.labels, jnp.arange(6)[None])[1].bad)


def poisoned(program, path, value=jnp.nan):
    """A state in which one number of a layer's kernel or scale is a bad one."""
    params = program.initial(SCALE, 0).params
    inside = params
    for name in path.split("/"):
        inside = inside[name]
    key = "kernel" if "kernel" in inside else "scale"
    inside[key] = inside[key].at[(0,) * inside[key].ndim].set(value)
    return replace(program.initial(SCALE, 0), params=params)


@pytest.mark.parametrize(
    ("path", "accumulate"),
    [
        *((path, 1) for path in ("conv1", "norm1", "block/b", "res/body", "ways/right", "head/side", "out")),
        *((path, 2) for path in ("block/a", "res/bn", "ways/left")),
    ],
)
def test_the_first_layer_forward_is_named(path, accumulate):
    one = program(accumulate=accumulate)
    assert in_step(one, poisoned(one, path), BATCH) == f"first in layer {path}"
    assert first_bad(one, poisoned(one, path)) == 0


def test_of_two_bad_layers_the_first_is_named():
    one = program()
    state = poisoned(one, "out")
    state.params["block"]["b"]["bias"] = jnp.full(4, jnp.inf)
    assert in_step(one, state, BATCH) == "first in layer block/b"


def test_what_training_alone_does_is_seen():
    """Statistics of the batch are finite, the running ones are not: only evaluation uses those."""
    one = program()
    state = one.initial(SCALE, 0)
    state.stats["norm1"]["var"] = jnp.full(4, jnp.nan)
    assert in_step(one, state, BATCH) == ""


def test_a_loss_of_finite_logits_is_named():
    one = program((Flatten(), Dense(3, name="out")))
    state = poisoned(one, "out", 0.0)
    kernel = jnp.zeros((16, 3)).at[:, 0].set(-1.25e37).at[:, 1].set(1.25e37)
    state = replace(state, params={"out": {**state.params["out"], "kernel": kernel}})
    big = Examples(jnp.full((6, 4, 4, 1), 255, jnp.uint8), BATCH.labels)
    assert in_step(one, state, big) == "first in the loss"
    assert first_bad(one, state, big) == 0


def test_a_gradient_that_overflows_is_named():
    """The activations are small; going back, each layer multiplies the slope by 1e10."""
    layers = (Flatten(), *(Dense(4, name=f"fc{place}") for place in range(4)), Dense(3, name="out"))
    one = program(layers)
    state = one.initial(SCALE, 0)
    for place in range(1, 4):
        state.params[f"fc{place}"]["kernel"] = jnp.eye(4) * 1e10
    state.params["fc0"]["kernel"] = jnp.full((16, 4), 1e-35)
    state.params["out"]["kernel"] = jnp.ones((4, 3)) * jnp.array([1e-6, 2e-6, -1e-6])
    assert in_step(one, state, BATCH) == "first in the gradient of layer fc0"
    assert first_bad(one, state) == 0


def test_a_step_that_is_well_has_no_culprit():
    one = program()
    assert in_step(one, one.initial(SCALE, 0), BATCH) == ""
    assert first_bad(one, one.initial(SCALE, 0)) == NEVER


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_validation_is_looked_through_with_what_was_validated(recipe, mlp, digits, average):
    session = Session(changed(recipe, {"average": average}), mlp, digits, {})
    state = session.initial()
    assert in_validation(session, state) == ""
    spoil = partial(jax.tree.map, lambda leaf: leaf * jnp.nan)
    assert in_validation(session, replace(state, params=spoil(state.params))) == (
        "" if average else "first in layer hidden"
    )
    if average:
        assert in_validation(session, replace(state, average=spoil(state.average))) == "first in layer hidden"
