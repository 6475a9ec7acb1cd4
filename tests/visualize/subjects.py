"""Subjects by hand: tiny networks with weights that are given, and data that are made up."""

import numpy as np

from cnncli import runtime
from cnncli.data.dataset import Loaded, Split
from cnncli.data.facts import Facts
from cnncli.data.inputs import Fit, scale_for
from cnncli.data.placement import placement
from cnncli.evaluation.trained import Trained
from cnncli.models.model import model
from cnncli.visualize.subject import Subject


def facts(shape, classes=("ant", "bee", "cat")):
    mean, deviation = (0.0,) * shape[2], (1.0,) * shape[2]
    return Facts("made-up", "Made up", shape, tuple(classes), 1, 1, mean, deviation, "pad", "by hand")


def subject(network, params=None, stats=None, classes=("ant", "bee", "cat"), scaling="unit", seed=0):
    """A network with these weights, or with those that a seed gives; it sees pixels divided by 255."""
    built, about = model(network), facts(network.input, classes)
    if params is None:
        params, stats = built.initialize(seed)
    scale = scale_for(scaling, about, np.zeros((1, *network.input), np.uint8))
    fit = Fit("pad", network.input[:2])
    trained = Trained(built, params, stats or {}, scale, fit, "cross-entropy", 1, placement())
    return Subject(trained, about, runtime.compiler_options())


def loaded(images, labels, classes=("ant", "bee", "cat")):
    """A split of images (count, height, width, channel) and their labels."""
    split = Split(np.asarray(images, np.uint8), np.asarray(labels, np.int32))
    return Loaded(facts(split.images.shape[1:], classes), split, "by hand")
