"""Write parity.json: what the original frameworks say of the formula's weights and image.

Run by hand from the repository's folder where torch and torchvision are installed; cnncli takes no part in it:

    python -m tests.weights.generate_parity
"""

import json
from functools import partial
from pathlib import Path

import torch
import torchvision
from torch.nn import functional as f

from tests.weights import formula

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

googlenet = partial(torchvision.models.googlenet, weights=None, init_weights=False)
TORCHVISION = {
    "alexnet-torchvision": torchvision.models.alexnet,
    "vgg11": torchvision.models.vgg11,
    "vgg11-bn": torchvision.models.vgg11_bn,
    "googlenet-torchvision": partial(googlenet, aux_logits=True),
    "googlenet-torchvision, transformed": partial(googlenet, aux_logits=True, transform_input=True),
    "resnet18": torchvision.models.resnet18,
    "resnet50": torchvision.models.resnet50,
}


def of_torchvision(make):
    """A network of torchvision, as its recipes show it images."""
    with torch.device("meta"):
        shapes = {name: tuple(one.shape) for name, one in make().state_dict().items()}
    net = make().eval()
    net.load_state_dict({name: torch.from_numpy(formula.tensor(name, shape)) for name, shape in shapes.items()})
    pixels = torch.from_numpy(formula.image(224)).permute(0, 3, 1, 2) / 255
    x = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]
    return {"names": formula.digest(shapes), **formula.kept(net(x).numpy())}


class Keras:
    """The operations of Keras's layers on images (batch, height, width, channel), numbered as Keras numbers them."""

    def __init__(self):
        self.shapes = {}

    def weights(self, layer, **shapes):
        names = {part: f"{layer}/{part}:0" for part in shapes}
        self.shapes |= {names[part]: shape for part, shape in shapes.items()}
        return [torch.from_numpy(formula.tensor(names[part], shape)) for part, shape in shapes.items()]

    def conv(self, x, layer, features, window, stride=1, pad=0):
        kernel, bias = self.weights(layer, kernel=(window, window, x.shape[-1], features), bias=(features,))
        y = f.conv2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1), bias, stride, pad)
        return y.permute(0, 2, 3, 1)

    def dense(self, x, layer, features):
        kernel, bias = self.weights(layer, kernel=(x.shape[-1], features), bias=(features,))
        return x @ kernel + bias

    def normalized(self, x, layer):
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        gamma, beta, mean, variance = self.weights(layer, **dict.fromkeys(parts, x.shape[-1:]))
        return (x - mean) / torch.sqrt(variance + 1e-3) * gamma + beta


def average(x):
    return f.avg_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def overlapping(x, pad=(0, 0, 0, 0)):
    """3x3 every 2; what pads is never the largest."""
    padded = f.pad(x.permute(0, 3, 1, 2), pad, value=float("-inf"))
    return f.max_pool2d(padded, 3, 2).permute(0, 2, 3, 1)


def lenet5(net):
    x = torch.from_numpy(formula.image(28, 1)) / 255
    x = average(torch.tanh(net.conv(x, "conv2d", 6, 5)))
    x = average(torch.tanh(net.conv(x, "conv2d_1", 16, 5))).flatten(1)
    x = torch.sigmoid(net.dense(x, "dense", 120))
    x = torch.sigmoid(net.dense(x, "dense_1", 84))
    return net.dense(x, "dense_2", 10)


def alexnet(net):
    x = torch.from_numpy(formula.image(32)) / 255
    x = overlapping(net.normalized(torch.relu(net.conv(x, "conv2d", 96, 11, 4)), "batch_normalization"))
    x = net.normalized(torch.relu(net.conv(x, "conv2d_1", 256, 5, pad=2)), "batch_normalization_1")
    # "same" brings 2 pixels to 1 by a pixel behind them, and then leaves that one between two.
    x = overlapping(x, (0, 1, 0, 1))
    x = torch.relu(net.conv(x, "conv2d_2", 384, 3, pad=1))
    x = torch.relu(net.conv(x, "conv2d_3", 384, 3, pad=1))
    x = overlapping(torch.relu(net.conv(x, "conv2d_4", 384, 3, pad=1)), (1, 1, 1, 1)).flatten(1)
    x = torch.relu(net.dense(x, "dense", 4096))
    x = torch.relu(net.dense(x, "dense_1", 4096))
    return net.dense(x, "dense_2", 10)


def of_keras(network):
    """A network of the article, on pixels from 0 to 1."""
    net = Keras()
    logits = network(net)
    return {"names": formula.digest(net.shapes), **formula.kept(logits.numpy())}


if __name__ == "__main__":
    with torch.inference_mode():
        found = {name: of_torchvision(make) for name, make in TORCHVISION.items()}
        found |= {name: of_keras(one) for name, one in (("lenet5-keras", lenet5), ("alexnet-cifar10", alexnet))}
    found["versions"] = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    Path(__file__).with_name("parity.json").write_text(json.dumps(found, indent=1) + "\n")
