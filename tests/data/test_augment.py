"""Augmentation as a whole: what holds for every change, sequences of them, and how they are written and read."""

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import fields
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from cnncli.data.augment import WORDS, Augment, Unchanged, read
from cnncli.data.augmentation import Augmentation
from cnncli.data.colours import ColourJitter, PcaNoise
from cnncli.data.mixing import CutMix, Cutout, Mixup
from cnncli.data.warps import Affine, Crop, Elastic, Mirror, Rescale, ResizedCrop, Rotate, Shear, Shift
from cnncli.errors import UsageError

BATCH = 8
PIXELS = np.random.default_rng(0).integers(0, 256, (BATCH, 9, 8, 3), np.uint8)
TARGETS = jnp.eye(BATCH)
ALL = [kind for word, kind in WORDS.items() if word != "none"]

STILL = (
    *(Unchanged(), Shift(0), Crop(0), Mirror(0), ResizedCrop((1, 1), (1, 1)), Affine(0, 0, 0, 0), Rotate(0)),
    *(Rescale(0), Shear(0), Elastic(0), ColourJitter(0, 0, 0, 0), PcaNoise(0), Cutout(0)),
)
WILD = [
    *(Shift(20), Crop(2**31 - 1), ResizedCrop((0.001, 1), (0.01, 100)), Affine(180, 0.99, 10, 0.99)),
    *(Elastic(1000, 0.5), ColourJitter(1, 1, 1, 0.5), PcaNoise(10), Cutout(2**31 - 1), Mixup(0.001), CutMix(999)),
]


def compiled(augment, pixels=PIXELS):
    """The augmentation as one program, which is used too seldom here to be worth XLA's efforts."""
    return jax.jit(augment.for_data(pixels), compiler_options={"xla_backend_optimization_level": 0})


call = cache(compiled)


def changed(augment, seed=7, pixels=PIXELS):
    """Images and targets after the change, as NumPy."""
    return map(np.asarray, call(augment)(jax.random.key(seed), jnp.asarray(pixels, jnp.float32), TARGETS))


def test_amounts_of_zero_change_nothing():
    x, targets = changed(Augment(STILL))
    assert np.allclose(x, PIXELS, atol=1e-3)
    assert np.array_equal(targets, TARGETS)


@pytest.mark.parametrize("kind", ALL)
def test_changes_are_drawn_by_the_key(kind):
    augment = kind()
    one, same, other = (list(changed(augment, seed)) for seed in (7, 7, 8))
    assert all(map(np.array_equal, one, same))
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in (Mixup, CutMix)])
def test_each_image_is_changed_in_its_own_way(kind):
    x, _ = changed(kind(), pixels=np.broadcast_to(PIXELS[:1], PIXELS.shape))
    assert len({one.tobytes() for one in x}) > (1 if kind is Mirror else 4)


@pytest.mark.parametrize("augment", [*(kind() for kind in ALL), *WILD], ids=str)
def test_values_stay_those_of_pixels_and_targets_those_of_distributions(augment):
    x, targets = changed(augment)
    assert (x.shape, x.dtype) == (PIXELS.shape, np.float32)
    assert x.min() >= 0  # and no NaN
    assert x.max() <= 255 + 1e-3
    assert targets.min() >= 0
    assert np.allclose(targets.sum(axis=1), 1)


@pytest.mark.parametrize("shape", [(2, 1, 1, 1), (1, 3, 7, 4)])
def test_images_may_have_any_size_and_number_of_channels(shape):
    pixels = np.full(shape, 100, np.uint8)
    augment = Augment((Crop(), Mirror(), ResizedCrop(), Affine(), Elastic(), ColourJitter(), PcaNoise(), Cutout(1)))
    call = compiled(augment, pixels)
    x, targets = call(jax.random.key(0), jnp.asarray(pixels, jnp.float32), jnp.ones((shape[0], 1)))
    assert x.shape == shape
    assert np.isfinite(x).all()
    assert targets.tolist() == [[1]] * shape[0]


def test_without_steps_images_and_targets_are_given_back():
    x = jnp.asarray(PIXELS, jnp.float32)
    assert Augment()(jax.random.key(0), x, TARGETS) == (x, TARGETS)


def test_steps_follow_each_other_with_keys_of_their_own():
    key, x = jax.random.key(3), jnp.asarray(PIXELS, jnp.float32)
    both, _ = Augment((Cutout(2), Shift(2)))(key, x, TARGETS)
    by_hand = Cutout(2).images(jax.random.fold_in(key, 0), x)
    assert np.array_equal(both, Shift(2).images(jax.random.fold_in(key, 1), by_hand))
    twice, _ = Augment((Shift(2), Shift(2)))(key, x, TARGETS)
    # With the same key, a second shift would be the first again.
    assert not np.array_equal(twice, Shift(2).images(key, Shift(2).images(key, x)))


ON_DEVICES = """
import json, jax
import jax.numpy as jnp
import numpy as np
from cnncli.data.augment import read
from cnncli.data.placement import placement
where = placement()
pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 8, 3), np.uint8)
augment = read("crop(padding=2), mirror, elastic(sigma=1.0), pca-noise, cutout(size=3), cutmix", "here")
call = jax.jit(augment.for_data(pixels), compiler_options={"xla_backend_optimization_level": 0})
x, targets = call(jax.random.key(7), *jax.device_put((jnp.asarray(pixels, jnp.float32), jnp.eye(8)), where.split()))
"""


def test_eight_devices_draw_what_one_does():
    here = {}
    exec(ON_DEVICES, here)
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    code = ON_DEVICES + "print(json.dumps([where.devices, x.tolist(), targets.tolist()]))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | flags, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    devices, x, targets = json.loads(done.stdout)
    assert (here["where"].devices, devices) == (1, 8)
    assert np.allclose(here["x"], x, atol=1e-3)
    assert np.allclose(here["targets"], targets, atol=1e-6)


def test_a_measured_augmentation_is_a_value():
    augment = read("crop, pca-noise", "here")
    assert hash(augment) == hash(read("crop, pca-noise", "here"))
    assert hash(augment.for_data(PIXELS)) == hash(augment.for_data(PIXELS.copy()))
    assert augment.for_data(PIXELS) == augment.for_data(PIXELS.copy()) != augment.for_data(PIXELS // 2)


@pytest.mark.parametrize("kind", WORDS.values())
def test_every_augmentation_says_what_it_is(kind):
    assert issubclass(kind, Augmentation)
    assert len(kind.__doc__) > 10
    assert str(kind()) == kind.word
    assert kind().label() == f"augment '{kind.word}': "


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("none", ()),
        ([], ()),
        (["none", "mirror"], (Mirror(),)),
        ({"name": "none"}, ()),
        ("crop", (Crop(4),)),
        ("crop(padding=2), mirror", (Crop(2), Mirror())),
        (" crop ( padding = 2 ) ,mirror()", (Crop(2), Mirror())),
        ("crop(\n  padding = 2\n),\nmirror", (Crop(2), Mirror())),
        ("resized-crop(scale=[0.5, 1], ratio=[1, 1.0])", (ResizedCrop((0.5, 1.0), (1.0, 1.0)),)),
        ({"name": "shift", "pixels": 2}, (Shift(2),)),
        (
            {"name": "affine", "degrees": 5.0, "scale": 0.2, "shear": 0.3, "shift": 0.1},
            (Affine(5.0, 0.2, 0.3, 0.1),),
        ),
        ([{"name": "crop", "padding": 3}, "mirror", "cutout(size=5), mixup"], (Crop(3), Mirror(), Cutout(5), Mixup())),
    ],
)
def test_every_form_is_read(value, expected):
    assert read(value, "here") == Augment(expected)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("crp", "here: no augmentation 'crp'; did you mean 'crop'?"),
        ("color-jitter", "here: no augmentation 'color-jitter'; did you mean 'colour-jitter'?"),
        ("zzz", "here: no augmentation 'zzz'; known: none, shift, crop, resized-crop, mirror, affine, rotate, scale, "),
        ("mirror, crop(pading=2)", "here: augment 'crop': unknown key 'pading'; did you mean 'padding'?"),
        ("none(x=1)", "here: augment 'none': unknown key 'x'"),
        ("pca-noise(directions=[1])", "unknown key 'directions'; did you mean 'deviation'?"),
        ("crop(padding=-1)", "here: augment 'crop': padding is -1; expected a whole number of at least 0"),
        ("mirror(probability=2)", "probability is 2; expected a number from 0 to 1"),
        ("mirror(probability=true)", "probability is True; expected a number from 0 to 1"),
        ("mixup(alpha=0)", "alpha is 0; expected a number of at least 0.001 and below 1000"),
        ("elastic(alpha=nan)", "alpha is nan; expected a number from 0 to 10000"),
        ("resized-crop(scale=[1, 0.5])", "scale is [1, 0.5]; expected two numbers of 0.001 to 1, the smaller first"),
        ("resized-crop(scale=0.5)", "scale is 0.5; expected two numbers"),
        ('resized-crop(scale="ab")', "scale is 'ab'; expected two numbers"),
        ("crop(4)", "here is 'crop(4)'; expected values as in TOML between the brackets, such as \"crop(padding=4)"),
        ("crop(padding=4}, x={a=1)", "expected values as in TOML"),
        ("crop mirror", "here is 'crop mirror'; expected names with their values, such as \"crop(padding=4), mirror\""),
        ("", "here is ''; expected names"),
        ("crop,", "here is 'crop,'; expected names"),
        (3, 'here is 3; expected a name, or a table such as { name = "crop", padding = 4 }'),
        (["crop", {"padding": 2}], "here is {'padding': 2}; expected a name, or a table"),
        ([["crop"]], "here is ['crop']; expected a name, or a table"),
        ({"name": ["crop"]}, "expected a name, or a table"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(value, message):
    with pytest.raises(UsageError) as error:
        read(value, "here")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def amounts(one):
    """Values that a field may have, by its default's kind."""
    if isinstance(one.default, int):
        return st.integers(0, 2**31 - 1)
    if isinstance(one.default, tuple):
        return st.tuples(st.floats(0.01, 0.5), st.floats(0.5, 1))
    return st.floats(0.1, 0.5)


STEPS = st.one_of([st.builds(kind, **{one.name: amounts(one) for one in fields(kind)}) for kind in ALL])


@given(st.lists(STEPS, max_size=4).map(tuple).map(Augment))
def test_what_is_written_is_read_again(augment):
    assert read(str(augment), "text") == augment
    toml = tomli_w.dumps({"augment": augment.to_table()})
    assert read(tomllib.loads(toml)["augment"], "TOML") == augment
