"""From a training's metrics to a verdict: what happened, how one can see it, and what to try."""

from collections.abc import Iterator
from dataclasses import dataclass

from cnncli.runs.metrics import Metrics, width
from cnncli.training.evidence import SHORTEST, Course, Evidence, gather

UNDERFIT, OVERFIT, GOOD, DIVERGED = "underfit", "overfit", "good", "diverged"
RATE_TOO_HIGH, PLATEAU, UNKNOWN = "rate-too-high", "plateau", "unknown"
KINDS = (UNDERFIT, OVERFIT, GOOD, DIVERGED, RATE_TOO_HIGH, PLATEAU, UNKNOWN)

# How a training ends that had more to come; the first of them because it was good enough.
STOPPED = ("until", "max-time", "signal")
# Ten points of accuracy lost on new images are what the articles call overfitting (77 % against 55 %); ResNets that
# are trained well lose four to seven on CIFAR-10.
WIDE = 0.10
# With a validation loss that has turned, a smaller gap will do; three points are beyond the noise of 1,000 images.
NARROW = 0.03
# Validation loss has turned when it has won back a tenth of what it began at; less is overconfidence, or noise.
TURN = 0.10
# A loss that changes by this share of its beginning over a third or a half of the training, or an accuracy by so much,
# has a trend; below, it stands still.
STILL = 0.03
# So high an accuracy needs no remedy.
HIGH = 0.95
# An accuracy below this, once the rate has run down, is not enough for any set of the texts but ImageNet.
LOW = 0.70
# A rate that came down to a tenth has done what a lower rate would do.
RUN_DOWN = 0.10
# A training loss that fell by less than this since its highest has learned next to nothing.
STUCK = 0.05
# A loss that ends at twice what it began at, and still rises, has run away, though it is still a number.
RUNAWAY = 2.0
# Of jumps in the second half one is chance; a fifth of its epochs, and more than one, is the rate.
JUMPY = 0.20
# Training accuracy must have moved by this for a loss of half of it to mean something.
LEARNED, FORGOTTEN = 0.10, 0.50
# A loss that rose by so much of what it began at, where little was learned in the end, was thrown up by the steps.
THROWN = 0.25
# Validation this far above training deserves a word.
WORTH_SAYING = 0.005
# A loss that began at five times its end without a gain in accuracy was blown up by the first steps.
BLOWN, GAIN = 5.0, 0.05


@dataclass(frozen=True)
class Verdict:
    """One of KINDS, the numbers it rests on, what they say in sentences, and what to try, the likeliest first."""

    kind: str
    evidence: Evidence
    sentences: tuple[str, ...]
    advice: tuple[str, ...]


def diagnose(metrics: Metrics, ended: str = "done", evaluated: float | None = None, best: int | None = None) -> Verdict:
    """Judge a training by the lines of its metrics.jsonl and by how it ended, the reason of `events.Stopped`.

    `evaluated` is the last epoch's accuracy on the test split, which decides only where nothing was held out; `best` is
    the epoch of the best checkpoint, by default the one of the highest validation accuracy.
    """
    seen = gather(metrics, evaluated, best)
    kind, reason = _judged(seen, ended)
    return Verdict(kind, seen, (reason, *_remarks(kind, seen)), tuple(_advice(kind, seen, ended)))


def _judged(seen: Evidence, ended: str) -> tuple[str, str]:
    """The kind, and the sentence that says why."""
    loss, accuracy = seen.train_loss, seen.train_accuracy
    if ended == "diverged" or not seen.finite:
        return DIVERGED, f"The loss stopped being a number in epoch {seen.epochs + 1}."
    if loss is not None and loss.last > RUNAWAY * loss.began and loss.drift >= STILL:
        return DIVERGED, f"Training loss ran away, from {loss.began:.3g} to {loss.last:.3g}."
    if seen.epochs < SHORTEST or loss is None or accuracy is None:
        return UNKNOWN, f"To see a trend takes {SHORTEST} epochs; so far there are {seen.epochs}."
    enough = _enough(seen, ended)
    if not enough and (why := _unstable(seen, loss, accuracy)):
        return RATE_TOO_HIGH, why
    if not enough and not _fell(loss) and not _learns(seen):
        return PLATEAU, f"Training loss hardly moved, from {loss.highest:.3g} to {loss.last:.3g}."
    gap = _gap(seen)
    if gap is not None and _overfits(seen, gap, _finished(seen, ended)):
        return OVERFIT, f"The network knows its training images better than others, by {_points(gap)} of accuracy."
    return _learned(seen, loss, ended)


def _unstable(seen: Evidence, loss: Course, accuracy: Course) -> str:
    """How training shows that its steps are too long, or nothing."""
    if seen.jumps > 1 and seen.jumps >= JUMPY * seen.chances:
        return f"Training loss leapt up in {seen.jumps} of the last {seen.chances} epochs."
    span = accuracy.highest - accuracy.lowest
    if span >= LEARNED and accuracy.highest - accuracy.last >= FORGOTTEN * span:
        return f"Training accuracy was at {accuracy.highest:.1%} and fell back to {accuracy.last:.1%}."
    if loss.highest > BLOWN * loss.last and accuracy.last - accuracy.first < GAIN and accuracy.last < LOW:
        return f"The first steps threw the loss up to {loss.highest:.3g}; as it came down, accuracy did not rise."
    if seen.risen >= THROWN and (_fitted(seen) < LOW or loss.last > loss.began):
        return f"Training loss rose from {loss.began:.3g} to {loss.highest:.3g}, and ended at {loss.last:.3g}."
    return ""


def _overfits(seen: Evidence, gap: float, finished: bool) -> bool:
    turned = seen.turned >= TURN
    # A wide gap may still close where validation improves and the rate lets it.
    loss, accuracy = seen.val_loss, seen.val_accuracy
    better = (loss is not None and loss.trend <= -STILL) or (accuracy is not None and accuracy.trend >= STILL)
    return (gap >= NARROW and turned) or (gap >= WIDE and (finished or not better))


def _learned(seen: Evidence, loss: Course, ended: str) -> tuple[str, str]:
    """What a training is that learned and does not overfit, as far as one can see."""
    fitted, enough, finished = _fitted(seen), _enough(seen, ended), _finished(seen, ended)
    if not enough and not finished and loss.drift > -STILL:
        return PLATEAU, f"Training loss has stood still over the second half, at {loss.last:.3g}."
    if _fresh(seen) is None:
        return UNKNOWN, f"Training accuracy is typically {fitted:.1%} at the end."
    falling = fitted < HIGH and not finished and _improves(seen)
    short = falling or (fitted < LOW and not enough)
    if short and not finished and ended in STOPPED:
        return UNKNOWN, "Training was stopped while the loss was still falling."
    if falling:
        return UNDERFIT, f"The loss was still falling when training ended, after {seen.epochs} epochs."
    if short:
        return UNDERFIT, f"Training went as far as it would, and accuracy is typically no more than {fitted:.1%}."
    if (gap := _gap(seen) or 0.0) < NARROW:
        return GOOD, "The network does about as well on new images as on those it was trained on."
    kept = ", and validation does not get worse" * _holds(seen)
    return GOOD, f"New images cost the network {_points(gap)} of accuracy{kept}."


def _fresh(seen: Evidence) -> float | None:
    """The accuracy at the end on images that were not trained on."""
    return seen.val_accuracy.last if seen.val_accuracy else seen.evaluated


def _fitted(seen: Evidence) -> float:
    """The best accuracy at the end on any images: strong augmentation holds that of training down."""
    return max(seen.train_accuracy.last if seen.train_accuracy else 0.0, _fresh(seen) or 0.0)


def _enough(seen: Evidence, ended: str) -> bool:
    """Whether the accuracy at the end needs no remedy: it is high, or what was asked for."""
    return ended == "until" or _fitted(seen) >= HIGH


def _learns(seen: Evidence) -> bool:
    """Whether accuracy rose: the loss of mixed images moves little, however well those of validation are told.

    Those may be few, and a tenth of them told by chance: then their loss has not come down.
    """
    return _rose(seen.train_accuracy) or (_rose(seen.val_accuracy) and _fell(seen.val_loss))


def _rose(accuracy: Course | None) -> bool:
    return accuracy is not None and accuracy.last - accuracy.first >= LEARNED


def _fell(loss: Course | None) -> bool:
    return loss is not None and loss.highest - loss.last >= STUCK * loss.highest


def _gap(seen: Evidence) -> float | None:
    """By how much accuracy at the end is lower on fresh images than on those of training."""
    fresh = _fresh(seen)
    return None if fresh is None or seen.train_accuracy is None else seen.train_accuracy.last - fresh


def _finished(seen: Evidence, ended: str) -> bool:
    """Whether going on as before would change little: the rate has run down, or nothing got better for long."""
    return ended == "early" or (seen.rate_left is not None and seen.rate_left <= RUN_DOWN)


def _improves(seen: Evidence) -> bool:
    """Whether loss was still coming down at the end, in training and where it counts."""
    return all(loss is None or loss.trend <= -STILL for loss in (seen.train_loss, seen.val_loss))


def _holds(seen: Evidence) -> bool:
    """Whether there is validation, and it is about as good at the end as it ever was."""
    return seen.val_accuracy is not None and seen.val_accuracy.drift > -STILL and seen.regained < STILL


def _remarks(kind: str, seen: Evidence) -> Iterator[str]:
    """What else is worth saying."""
    if kind == DIVERGED or seen.epochs < SHORTEST:
        return
    fresh, train = _fresh(seen), seen.train_accuracy.last if seen.train_accuracy else 0.0
    if fresh is None:
        yield "Nothing was held out to validate on, so that a good fit cannot be told from overfitting."
        return
    new = f"{fresh:.1%} in validation" if seen.val_accuracy else f"{fresh:.1%} on the test split"
    yield f"Typical of the last {width(seen.epochs)} epochs is an accuracy of {train:.1%} in training and {new}."
    if fresh - train >= WORTH_SAYING and kind in (GOOD, UNDERFIT):
        yield "Less in training than in validation is usual: only training has dropout and augmentation."
    if seen.val_loss is not None and kind != RATE_TOO_HIGH:
        yield from _turn(kind, seen, seen.val_loss)


def _turn(kind: str, seen: Evidence, loss: Course) -> Iterator[str]:
    best, end = seen.gap_at_best, seen.gap_at_end
    lowest = f"Validation loss was lowest around epoch {loss.lowest_epoch}, {loss.lowest:.3g}"
    if seen.turned >= TURN:
        yield f"{lowest}, and rose to {loss.last:.3g} while training loss fell."
    elif kind == GOOD and seen.regained >= STILL and (_gap(seen) or 0.0) >= NARROW:
        yield f"{lowest}, and rose to {loss.last:.3g}."
    elif kind == OVERFIT and not _improves(seen):
        yield f"Validation loss no longer falls; it stands at {loss.last:.3g}."
    if kind == OVERFIT and best and end and best.epoch < end.epoch:
        yield f"The best checkpoint is that of epoch {best.epoch}, where the gap was {_points(best.accuracy)}."


def _advice(kind: str, seen: Evidence, ended: str) -> Iterator[str]:
    if kind == OVERFIT and seen.val_loss and seen.turned >= TURN:
        yield f"early stopping: validation was best around epoch {seen.val_loss.lowest_epoch}"
    if kind == UNDERFIT and not _finished(seen, ended):
        yield "more epochs (--epochs)"
    if kind == GOOD and (_gap(seen) or 0.0) >= NARROW:
        yield "more augmentation or weight decay, if the gap matters"
    if kind == UNKNOWN:
        yield from _HOLD_OUT if seen.epochs >= SHORTEST and _fresh(seen) is None else _GO_ON.get(ended, ())
    yield from _ADVICE[kind]


_HOLD_OUT = ("hold images out (--set validation=0.1), or look at the test split (cnncli eval RUN)",)

# By how training ended; what reached the accuracy asked for need not go on.
_GO_ON = {
    "done": ("more epochs (--epochs)",),
    "early": ("more patience (--set stop.patience=...)",),
    "max-time": ("go on where it was stopped (--resume)",),
    "signal": ("go on where it was stopped (--resume)",),
}

_ADVICE = {
    OVERFIT: (
        "more or stronger augmentation (--augment)",
        "dropout, or more weight decay (--set optimizer.weight_decay=...)",
        "a smaller network, or more images",
    ),
    UNDERFIT: (
        "a higher rate, or one that lasts longer (--lr)",
        "a larger network",
        "less augmentation, dropout or weight decay",
    ),
    DIVERGED: (
        "a rate of a tenth (--lr); --lr-find draws which are safe",
        "warm-up, or gradient clipping",
    ),
    RATE_TOO_HIGH: (
        "a rate of a third to a tenth (--lr); --lr-find draws which are safe",
        "a schedule that lowers it towards the end, warm-up, or larger batches",
    ),
    PLATEAU: (
        "another rate (--lr): higher where the loss creeps down, lower where it does not; --lr-find draws which",
        "a schedule that lowers the rate when nothing gets better",
        "another initialization, or BatchNorm, where the loss never moved",
        "a larger network, where it did",
    ),
    GOOD: (),
    UNKNOWN: (),
}


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"
