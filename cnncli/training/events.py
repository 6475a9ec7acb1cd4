"""What happens in a training, as values: rendered for people, written as lines, collected by tests."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Started:
    """Training is about to begin, or to go on at `step`.

    `steps` is its whole length; of the parameters so many never train as `frozen` says; `notes` are for people.
    """

    network: str
    input: str
    dataset: str
    params: int
    train_count: int
    val_count: int
    epochs: int
    steps: int
    step: int
    devices: str
    frozen: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frozen:
    """What never trains, as it is now: so many layers with so many values, and the SHA-256 of them all."""

    layers: int
    values: int
    sha256: str


@dataclass(frozen=True)
class Featured:
    """Of `count` images `done` have their features: what the layers up to `path`, which never train, give of them."""

    path: str
    done: int
    count: int
    seconds: float


@dataclass(frozen=True)
class Compiled:
    """The training step is compiled."""

    seconds: float


@dataclass(frozen=True)
class Progress:
    """Where an epoch stands: means over the epoch so far, and the rate of work."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float


@dataclass(frozen=True)
class Epoch:
    """An epoch is done; fields as in metrics.jsonl, None where nothing was held out to validate on."""

    epoch: int
    step: int
    seconds: float
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float
    images_per_second: float
    gradient_norm: float


@dataclass(frozen=True)
class Best:
    """The best epoch so far by validation."""

    epoch: int
    step: int
    val_accuracy: float
    val_loss: float

    def beats(self, other: "Best | None", by: str) -> bool:
        """By accuracy: a higher one, or the same at a lower loss; by loss: a lower one."""
        if other is None:
            return True
        if by == "loss":
            return self.val_loss < other.val_loss
        return (self.val_accuracy, -self.val_loss) > (other.val_accuracy, -other.val_loss)


@dataclass(frozen=True)
class Saved:
    """A checkpoint is on its way to disk; `best` when it is the best so far by validation."""

    step: int
    path: Path
    best: bool


@dataclass(frozen=True)
class Stopped:
    """Training has ended.

    `reason` is "done", "until" (the accuracy was reached), "early" (nothing got better), "max-time", "signal" or
    "diverged" (a loss or gradient that is not a number); after the last nothing of that epoch was saved, and `culprit`
    says in which step and layer it was. `best` is None where nothing was held out to validate on.
    """

    reason: str
    step: int
    epoch: int
    compile_seconds: float
    train_seconds: float
    best: Best | None
    culprit: str = ""


Event = Started | Frozen | Featured | Compiled | Progress | Epoch | Saved | Stopped
