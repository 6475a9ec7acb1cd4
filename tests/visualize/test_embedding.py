"""Embeddings: principal components by hand, groups that t-SNE keeps, and what the picture says of them."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from cnncli.errors import UsageError
from cnncli.networks.layers import Dense, Flatten
from cnncli.networks.network import Network
from cnncli.visualize import embedding
from cnncli.visualize.features import Layer
from tests.visualize.subjects import loaded, subject

NETWORK = Network("n", (1, 3, 1), (Flatten(), Dense(3, name="d")))
LAYER = Layer.of(NETWORK, None)


def groups(count, dimensions=4, apart=20.0):
    """Groups of ten points around far corners, and their labels."""
    draw = np.random.default_rng(0)
    labels = np.arange(count).repeat(10).astype(np.int32)
    corners = draw.normal(size=(count, dimensions)) * apart
    return (corners[labels] + draw.normal(size=(10 * count, dimensions))).astype(np.float32), labels


def test_principal_components_are_those_by_hand():
    # Three uncorrelated axes of variance 16, 4 and 1.
    signs = np.array([(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    vectors = (signs * [1, 4, 2]).astype(np.float32)
    found = embedding.projected(vectors, np.zeros(8, np.int32), LAYER, "pca", 0)
    assert found.variance == pytest.approx((16 / 21, 4 / 21), rel=1e-5)
    np.testing.assert_allclose(np.abs(found.points), np.tile([4, 2], (8, 1)), rtol=1e-5)
    assert (
        found.sentence
        == "8 images of one class by 3 features at flatten1: two principal components with 95.2% of the variance"
    )


def of_the_same_group(points, labels):
    distances = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(distances, np.inf)
    return (labels[distances.argmin(axis=1)] == labels).mean()


def test_tsne_keeps_groups_together_and_repeats_itself():
    vectors, labels = groups(4, dimensions=60)
    one, other = (embedding.projected(vectors, labels, LAYER, "tsne", 3) for _ in range(2))
    assert one.points.shape == (40, 2)
    assert of_the_same_group(one.points, labels) == 1
    np.testing.assert_array_equal(one.points, other.points)
    assert one.variance is None
    assert "distances between groups mean little" in one.sentence


def test_few_images_have_a_tsne_too():
    vectors, labels = groups(1)
    assert np.isfinite(embedding.projected(vectors[:5], labels[:5], LAYER, "tsne", 0).points).all()


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (
            np.random.default_rng(0).normal(size=(4, 3)),
            "4 images by 3 values at flatten1 have no shape to show; expected",
        ),
        (np.random.default_rng(0).normal(size=(9, 1)), "9 images by 1 values at flatten1 have no shape to show"),
        (np.ones((9, 3)), "flatten1 gives the same for every image: it is dead; expected another --layer"),
    ],
)
@pytest.mark.parametrize("by", embedding.WAYS)
def test_what_has_no_two_dimensions_is_refused(vectors, said, by):
    with pytest.raises(UsageError, match=said):
        embedding.projected(vectors.astype(np.float32), np.zeros(len(vectors), np.int32), LAYER, by, 0)


def test_features_of_a_split_become_points():
    images = np.random.default_rng(0).integers(0, 256, (30, 1, 3, 1), np.uint8)
    params = {"d": {"kernel": jnp.eye(3), "bias": jnp.zeros(3)}}
    data, looked = loaded(images, np.arange(30) % 3), subject(NETWORK, params)
    found = embedding.embedding(looked, data, Layer.of(NETWORK, "d"), "pca", None, 0)
    again = embedding.projected(images.reshape(30, 3) / np.float32(255), data.split.labels, LAYER, "pca", 0)
    np.testing.assert_allclose(found.points, again.points, atol=1e-5)
    assert len(embedding.embedding(looked, data, LAYER, "pca", 12, 0).points) == 12


def test_of_many_classes_some_are_shown():
    names = [f"kind {at}" for at in range(50)]
    network = Network("n", (1, 3, 1), (Flatten(), Dense(50)))
    images = np.random.default_rng(0).integers(0, 256, (400, 1, 3, 1), np.uint8)
    data = loaded(images, np.arange(400) % 50, names)
    found = embedding.embedding(subject(network, classes=names), data, Layer.of(network, None), "pca", None, 1)
    assert len(np.unique(found.labels)) == embedding.CLASSES
    assert len(found.labels) == 8 * embedding.CLASSES


def test_a_name_stands_among_its_own():
    vectors, labels = groups(3, dimensions=2)
    place = embedding.middle(vectors, labels, 1)
    assert place.tolist() in vectors[10:20].tolist()
    rare = np.concatenate([np.zeros((30, 2)), [[0.1, 0.1]]]).astype(np.float32)
    assert embedding.middle(rare, np.array([0] * 30 + [1]), 1) is None


def drawn(found, names, path, **how):
    embedding.draw(found, names, path, **how)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return picture.size, picture.convert("RGB").getcolors(1 << 20), picture.text


@pytest.fixture(scope="module")
def ten():
    vectors, labels = groups(10, dimensions=2)
    return embedding.projected(vectors, labels, LAYER, "pca", 0)


def test_ten_classes_have_a_colour_each(ten, tmp_path):
    names = [f"class {at}" for at in range(10)]
    _, colours, text = drawn(ten, names, tmp_path / "ten.png", title="a title", about={"Command": "cnncli"})
    wanted = {tuple(bytes.fromhex(colour[1:])) for colour in embedding.COLOURS}
    assert len(wanted) == 10
    assert wanted <= {colour for _, colour in colours}
    assert text["Command"] == "cnncli"


def test_a_long_title_and_long_names_have_room(ten, tmp_path):
    (short, _), _, _ = drawn(ten, ["$x$"] * 10, tmp_path / "short.png")
    (long, _), _, _ = drawn(ten, ["a very long name of a class"] * 10, tmp_path / "long.png")
    (title, _), _, _ = drawn(ten, ["x"] * 10, tmp_path / "title.png", title="t" * 120)
    assert short < long < title


def test_each_of_twenty_classes_has_a_look_of_its_own():
    looks = {(at % len(embedding.COLOURS), at % len(embedding.MARKERS)) for at in range(embedding.CLASSES)}
    assert len(looks) == embedding.CLASSES
