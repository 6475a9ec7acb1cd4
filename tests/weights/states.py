"""Whole networks' weights by formula, under the names of other frameworks."""

import numpy as np

from cnncli.weights.layout import slots
from cnncli.weights.names import tables
from tests.weights import formula


def state_of(network, whose="torchvision", as_in="torchvision"):
    """A state dict by the formula of one framework's names, under the names of another's."""
    names, formulas, state = tables(network.name)[whose], tables(network.name)[as_in], {}
    for slot in slots(network):
        value = formula.tensor(f"{formulas[slot.path]}.{slot.theirs}", slot.torch_shape)
        state[f"{names[slot.path]}.{slot.theirs}"] = value
        if slot.word == "batch-norm":
            state[f"{names[slot.path]}.num_batches_tracked"] = np.zeros((), np.int64)
    return state


LAYERS = {"conv": "conv2d", "dense": "dense", "batch-norm": "batch_normalization"}
PARTS = {"kernel": "kernel", "bias": "bias", "scale": "gamma", "mean": "moving_mean", "var": "moving_variance"}


def keras_names(network):
    """Keras's name of each array, with its slot."""
    for word, layer in LAYERS.items():
        paths = list(dict.fromkeys(slot.path for slot in slots(network) if slot.word == word))
        for slot in slots(network):
            if slot.word == word:
                number = paths.index(slot.path)
                part = "beta" if (word, slot.part) == ("batch-norm", "bias") else PARTS[slot.part]
                yield f"{layer}_{number}/{part}:0" if number else f"{layer}/{part}:0", slot
