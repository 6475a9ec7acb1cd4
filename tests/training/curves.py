"""Made curves of every kind of training, as lines of metrics.jsonl."""

from math import cos, exp, pi
from random import Random

Line = dict[str, float | int | None]


def lines(count, train, val=None, rate=lambda at: 0.01, noise=0.0, seed=0):
    """Lines of `count` epochs: `train` and `val` give loss and accuracy at a share of the time, in (0, 1].

    Noise is a share of each loss, three times as large in validation, and a third of that in accuracy.
    """
    random = Random(seed)

    def measured(curve, at, noise):
        loss, accuracy = curve(at)
        return loss * (1 + random.gauss(0, noise)), min(max(accuracy + random.gauss(0, noise / 3), 0.0), 1.0)

    made: list[Line] = []
    for epoch in range(1, count + 1):
        train_loss, train_accuracy = measured(train, epoch / count, noise)
        val_loss, val_accuracy = measured(val, epoch / count, 3 * noise) if val else (None, None)
        made.append(
            {
                "epoch": epoch,
                "step": 100 * epoch,
                "seconds": 1.0,
                "train_loss": train_loss,
                "train_accuracy": train_accuracy,
                "val_loss": val_loss,
                "val_accuracy": val_accuracy,
                "learning_rate": rate(epoch / count),
                "images_per_second": 1000.0,
                "gradient_norm": 1.0,
            }
        )
    return made


def table(train_loss, train_accuracy, val_loss=None, val_accuracy=None, rate=None):
    """Lines of the values given, a column each; the rate stays what it is unless given."""
    nothing, same = [None] * len(train_loss), [0.01] * len(train_loss)
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate")
    columns = zip(train_loss, train_accuracy, val_loss or nothing, val_accuracy or nothing, rate or same, strict=True)
    return [{"epoch": epoch, **dict(zip(names, line, strict=True))} for epoch, line in enumerate(columns, start=1)]


def learning(loss, accuracy, tau=0.15, chance=0.1):
    """A curve that starts by guessing among ten and comes to a loss and an accuracy, in `tau` of the time."""
    return lambda at: (
        loss + (2.3 - loss) * exp(-at / tau),
        accuracy + (chance - accuracy) * exp(-at / tau),
    )


def turning(loss, accuracy, turn=0.3, rise=1.0):
    """As learning, but the loss rises again from a time on."""
    down = learning(loss, accuracy, turn / 4)
    return lambda at: (down(at)[0] + rise * max(at - turn, 0), down(at)[1])


def cosine(at):
    return 0.005 * (1 + cos(pi * at))


def changed(metrics, epoch, **factors):
    """The lines with one epoch's figures multiplied."""
    return [
        {**line, **{key: line[key] * factor for key, factor in factors.items()}} if line["epoch"] == epoch else line
        for line in metrics
    ]
