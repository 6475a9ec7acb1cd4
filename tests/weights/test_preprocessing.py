import numpy as np

from cnncli.weights.preprocessing import IMAGENET, Preprocessing, usual


def normalized(how, pixels):
    return (pixels - how.mean) / how.deviation


def test_transform_input_is_what_torchvision_does():
    how = Preprocessing(256, 224, "bicubic", (0.4, 0.5, 0.6), (0.2, 0.3, 0.1))
    pixels = np.random.default_rng(0).uniform(size=(5, 3))
    mean, deviation = np.array(IMAGENET.mean), np.array(IMAGENET.deviation)
    expected = normalized(how, pixels) * (deviation / 0.5) + (mean - 0.5) / 0.5
    np.testing.assert_allclose(normalized(how.transformed(), pixels), expected, atol=1e-10)


def test_of_imagenets_it_is_exactly_a_half():
    transformed = IMAGENET.transformed()
    assert (transformed.mean, transformed.deviation) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert (transformed.resize, transformed.crop, transformed.interpolation) == (256, 224, "bilinear")


def test_pictures_are_resized_in_proportion_to_the_crop():
    assert usual(224, 3, True) == IMAGENET
    assert (usual(448, 3, True).resize, usual(448, 3, True).crop) == (512, 448)
    assert usual(28, 1, False) == Preprocessing(0, 28, "bilinear", (0.0,), (1.0,))
