"""What a network costs in memory and arithmetic, for a batch, a type, an optimizer and a number of devices."""

from dataclasses import dataclass
from math import prod

from cnncli.networks import checks
from cnncli.networks.checks import Checked, checked
from cnncli.sizing.report import Report

# Bytes of one value of each type that layers compute in.
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
PARAMETER_BYTES = BYTES["float32"]
# Arrays as large as the parameters that each optimizer keeps: momentum; squares of gradients; first and second moments;
# squares of gradients and of updates. Muon keeps one more for biases and normalization, which are few.
OPTIMIZERS = {
    "sgd": 1,
    **dict.fromkeys(("adam", "adamw", "adadelta"), 2),
    **dict.fromkeys(("alexnet-sgd", "adagrad", "rmsprop", "lion", "lars", "muon"), 1),
}
# The backward pass computes a gradient of each layer's input and one of its weights, each as costly as the layer.
PASSES_IN_TRAINING = 3

COSTS = (
    "Parameters, gradients and optimizer state are float32; activations have the given type. Training keeps what every "
    "convolution, pooling and dense layer gives until the backward pass; inference keeps what is still needed. "
    "Training FLOPs are three times the forward pass. What libraries take besides is not counted."
)


@dataclass(frozen=True)
class Workload(Checked):
    """A batch of images in one type, split over devices that each hold all parameters. Raises UsageError."""

    batch: int = checked(checks.whole(1), 1)
    dtype: str = checked(checks.one_of(*BYTES), "float32")
    optimizer: str = checked(checks.one_of(*OPTIMIZERS), "sgd")
    devices: int = checked(checks.whole(1), 1)

    def label(self) -> str:
        """What an error has before the field's name: that of its flag."""
        return "--"

    @property
    def images(self) -> int:
        """The images of the fullest device."""
        return -(-self.batch // self.devices)

    @property
    def bytes(self) -> int:
        """Bytes of one activation."""
        return BYTES[self.dtype]


@dataclass(frozen=True)
class Cost:
    """Memory on each device in bytes, and floating-point operations of the whole batch.

    `working` is what inference holds at its fullest layer: input, output, and what a shortcut or other branches need.
    """

    params: int
    stats: int
    gradients: int
    optimizer: int
    activations: int
    working: int
    inference_params: int
    inference_stats: int
    forward_flops: int
    training_flops: int

    @property
    def training(self) -> int:
        """Memory of a training step."""
        return self.params + self.stats + self.gradients + self.optimizer + self.activations

    @property
    def inference(self) -> int:
        """Memory of a forward pass without auxiliary heads."""
        return self.inference_params + self.inference_stats + self.working


def cost(report: Report, load: Workload) -> Cost:
    """Count memory and operations of a network under a workload."""
    totals, image = report.totals, prod(report.network.input)
    activations = image + sum(row.activations for row in report.rows)
    fullest = max(
        (row.held + prod(row.input) + prod(row.output) for row in report.main if row.activations), default=image
    )
    params = totals.params_with_heads * PARAMETER_BYTES
    flops = 2 * load.batch * totals.macs
    heads = 2 * load.batch * sum(row.macs for row in report.rows if row.head)
    return Cost(
        params=params,
        stats=totals.stats_with_heads * PARAMETER_BYTES,
        gradients=params,
        optimizer=OPTIMIZERS[load.optimizer] * params,
        activations=activations * load.images * load.bytes,
        working=fullest * load.images * load.bytes,
        inference_params=totals.params * PARAMETER_BYTES,
        inference_stats=totals.stats * PARAMETER_BYTES,
        forward_flops=flops,
        training_flops=PASSES_IN_TRAINING * (flops + heads),
    )
