"""Groups of layers move at their shares of the rate, and begin as new as they are to training."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cnncli.errors import UsageError
from cnncli.models.arrays import only
from cnncli.models.model import model
from cnncli.networks.catalogue import find
from cnncli.training.freezing import Freezing, Stage, freezing
from cnncli.training.groups import grouped, shares
from cnncli.training.optimizers import OPTIMIZERS, AdamW, Sgd
from cnncli.training.recipe import changed
from cnncli.training.schedules import OneCycle
from cnncli.training.session import Session
from tests.training.nets import SMALL

ALL = freezing(SMALL, "", "", 1)
PARAMS = model(SMALL).initialize(0)[0]
SLOPES = jax.tree.map(lambda one: jnp.cos(jnp.arange(one.size, dtype=one.dtype)).reshape(one.shape), PARAMS)


def along(transformation, steps, layers=lambda step: None, start=0):
    """The parameters after some steps along the same slopes; `layers` are those that have a gradient in a step."""
    params = PARAMS
    state = transformation.init(params)
    for step in range(start, start + steps):
        mine = layers(step)
        part = params if mine is None else only(params, mine)
        slopes = SLOPES if mine is None else only(SLOPES, mine)
        updates, state = transformation.update(slopes, state, part, scale=1.0)
        moved = jax.tree.map(jnp.add, part, updates)
        params = {**params, **{name: {**params[name], **inside} for name, inside in moved.items()}}
    return params, state


def apart(one, other):
    return max(float(jnp.abs(a - b).max()) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True))


def test_the_last_word_that_covers_a_layer_counts_and_the_rest_is_what_no_word_covers():
    found = shares(SMALL, "rest=0.01, block=0.1, block/norm=0.5, head=1", ALL)
    named = {path: share for path, share in found.items() if path in ("conv1", "bn1", "block/a", "block/norm", "fc")}
    assert named == {"conv1": 0.01, "bn1": 0.01, "block/a": 0.1, "block/norm": 0.5}
    assert shares(SMALL, "block/*=0.5, *norm=0.25", ALL) == {"block/a": 0.5, "block/norm": 0.25}
    assert shares(SMALL, "", ALL) == shares(SMALL, "rest=1", ALL) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("head", "lr_shares is 'head'; expected words with their values, such as head=1, rest=0.01"),
        ("head=2", "lr_shares: head=2; expected a share of the rate, above 0 and at most 1"),
        ("rest=0", "lr_shares: rest=0; expected a share"),
        ("rest=nan", "lr_shares: rest=nan; expected a share"),
        ("rest=x", "lr_shares: rest=x; expected a share"),
        ("heads=1", "rates of groups (--lr, lr_shares): no layer or group 'heads'; did you mean 'head'?"),
        (
            "conv1=0.5",
            "rates of groups (--lr, lr_shares): 'conv1' covers nothing that trains; leave it out, or freeze less",
        ),
        ("pool=0.5", "rates of groups (--lr, lr_shares): 'pool' covers nothing that trains"),
    ],
)
def test_shares_that_cannot_be_are_refused_in_one_line(text, said):
    with pytest.raises(UsageError) as refused:
        shares(SMALL, text, freezing(SMALL, "conv1", "", 1))
    assert said in str(refused.value)


@pytest.mark.parametrize("word", sorted(OPTIMIZERS))
def test_a_share_of_the_rate_is_the_rate_itself_whatever_the_optimizer(word):
    """Two optimizers, each at one rate, against one of both; the velocity of AlexNet's own has its rate inside."""
    kind = OPTIMIZERS[word]
    both = grouped(kind(lr=0.1), lambda step: 0.1, ALL, 9, dict.fromkeys(("conv1", "bn1"), 0.25))
    fast, slow = (kind(lr=rate).transformation(lambda step, rate=rate: rate) for rate in (0.1, 0.025))
    ours, theirs = along(both, 3)[0], [along(one, 3)[0] for one in (fast, slow)]
    assert apart(ours["fc"], theirs[0]["fc"]) == 0
    for layer in ("conv1", "bn1"):
        # Decay sees other parameters from the second step on.
        assert apart(ours[layer], theirs[1][layer]) < 1e-6 < apart(ours[layer], theirs[0][layer])


@pytest.mark.slow
def test_after_a_step_the_changes_have_the_ratio_of_the_rates(recipe, digits):
    settings = {"optimizer": "sgd", "schedule": "constant", "augment": "none", "optimizer.lr": 0.1}
    moved = {}
    for share in (1.0, 0.01):
        session = Session(changed(recipe, {**settings, "lr_shares": f"head=1, rest={share}"}), SMALL, digits, {})
        state = session.initial()
        before = jax.tree.map(np.array, state.params)
        after, _ = session.train(state, session.chunk(0)[:1])
        moved[share] = jax.tree.map(lambda a, b: np.asarray(b) - a, before, after.params)
    assert np.array_equal(moved[1.0]["fc"]["kernel"], moved[0.01]["fc"]["kernel"])
    ratio = np.abs(moved[0.01]["conv1"]["kernel"]).sum() / np.abs(moved[1.0]["conv1"]["kernel"]).sum()
    assert ratio == pytest.approx(0.01, rel=1e-3)


def test_a_stage_begins_as_a_new_optimizer_that_knows_the_time():
    late, early = frozenset({"conv1", "bn1"}), frozenset({"block/a", "block/norm", "fc"})
    staged = Freezing(frozenset(), (Stage(1, early), Stage(3, late)))
    rate = OneCycle().rate(0.1, 20)
    per_epoch = 4
    ours, state = along(
        grouped(AdamW(), rate, staged, per_epoch, {}), 11, lambda at: early | (late if at >= 8 else set())
    )
    plain, _ = along(AdamW().transformation(rate), 11)
    fresh, _ = along(AdamW().transformation(lambda step: rate(step + 8)), 3)
    assert apart(only(ours, early), only(plain, early)) < 1e-7
    assert apart(only(ours, late), only(fresh, late)) < 1e-7
    assert apart(only(ours, late), only(plain, late)) > 1e-3
    assert [int(stage[0].count) for stage in state] == [11, 3]


def test_where_all_train_alike_it_is_the_optimizer_itself():
    plain, ours = (
        one.init(PARAMS)
        for one in (Sgd().transformation(lambda step: 0.1), grouped(Sgd(), lambda step: 0.1, ALL, 4, {}))
    )
    assert jax.tree.structure(plain) == jax.tree.structure(ours)


def test_what_never_trains_has_no_state():
    some = replace(ALL, frozen=frozenset({"conv1"}), stages=(Stage(1, ALL.stages[0].layers - {"conv1"}),))
    state = grouped(AdamW(), lambda step: 0.1, some, 4, {}).init(PARAMS)
    assert "conv1" not in state[0][0].mu
    assert state[0][0].mu.keys() == PARAMS.keys() - {"conv1"}


def test_the_head_of_a_catalogued_network_is_a_group():
    assert "fc8" not in shares(find("alexnet"), "head=1, rest=0.1", freezing(find("alexnet"), "", "", 1))
