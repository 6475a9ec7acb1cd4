"""Images beside what an attack made of them, the difference enlarged, with what the network says of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from cnncli.drawing.names import shortened
from cnncli.drawing.palette import ORANGE
from cnncli.drawing.sheet import CELL, Line, Panel, Sheet
from cnncli.errors import UsageError
from cnncli.visualize import attacks
from cnncli.visualize.attacks import ATTACKS, BALLS, Attack, Ball
from cnncli.visualize.judge import Judge, batches
from cnncli.visualize.picked import Picked

# How grey is no difference, and the largest one that is shown to the full.
GREY, MOST = 128, 127
# Larger images are made smaller on the sheet.
LARGEST_CELL = 224


@dataclass(frozen=True)
class Plan:
    """An attack as it is asked for; `target` is a class, None for any other than the image's own.

    `ascent` without a target goes for the likeliest that an image neither is nor is taken for.
    """

    by: str
    ball: Ball
    target: int | None
    steps: int

    @property
    def words(self) -> str:
        """`PGD in the L-infinity ball of 8/255`."""
        if self.by == "ascent":
            return ATTACKS[self.by]
        return f"{ATTACKS[self.by]} in the {BALLS[self.ball.norm]} ball of {epsilon(self.ball.radius)}"


@dataclass(frozen=True)
class Seen:
    """Images at the network's size, pixels of 0 to 255 as floats, and its softmax (image, class)."""

    pixels: NDArray[np.float32]
    probabilities: NDArray[np.float32]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The class of each image by the network."""
        return np.asarray(np.argmax(self.probabilities, axis=-1))


@dataclass(frozen=True)
class Attempt:
    """A plan and what came of it: what the network sees in the end, and of each image whether it could be fooled.

    Images that are misclassified could not, or, with a target, those that are of it or taken for it. `fooled` says
    which were; `whole` which still are with their pixels rounded, as in a file.
    """

    plan: Plan
    after: Seen
    able: NDArray[np.bool_]
    fooled: NDArray[np.bool_]
    whole: NDArray[np.bool_]


def epsilon(radius: float) -> str:
    """A radius as people write it: 8/255 where that is what it is, else 0.03."""
    steps = radius * 255
    return f"{round(steps)}/255" if 0 < radius < 0.2 and abs(steps - round(steps)) < 1e-6 else f"{radius:.3g}"


def seen(judge: Judge, pixels: NDArray[np.float32]) -> Seen:
    """What the network says of images at its size."""
    size = judge.batch(len(pixels))
    parts = [judge.probabilities(jnp.asarray(pixels[at]))[:new] for at, new in batches(len(pixels), size)]
    return Seen(pixels, np.concatenate(parts))


def originals(judge: Judge, picked: Picked) -> Seen:
    """Images as they are, at the network's size."""
    return seen(judge, np.asarray(judge.fit(picked.images)))


def without(picked: Picked, label: int, count: int) -> Picked:
    """The first `count` images that are not of a class. Raises UsageError where there is none."""
    kept = [at for at, own in enumerate(picked.labels) if own != label][:count]
    if not kept:
        raise UsageError("--target: all of the images are of this class already; expected another class")
    return Picked(
        picked.images[kept],
        tuple(picked.names[at] for at in kept),
        tuple(picked.labels[at] for at in kept),
        tuple(picked.places[at] for at in kept),
    )


def attempt(judge: Judge, before: Seen, labels: Sequence[int | None], plan: Plan, seed: int) -> Attempt:
    """Attack images; where the class of one is not known, the predicted one is what it shall no longer be."""
    targeted = plan.by == "ascent" or plan.target is not None
    own = np.array([said if label is None else label for label, said in zip(labels, before.predicted, strict=True)])
    classes = _aims(before, own, plan).astype(np.int32) if targeted else own.astype(np.int32)
    attack, keys = Attack(judge, plan.by, targeted, plan.steps), attacks.keys(seed, len(own))
    parts = []
    for at, new in batches(len(own), judge.batch(len(own))):
        x = attack(jnp.asarray(before.pixels[at]), jnp.asarray(classes[at]), plan.ball, keys[at])
        parts.append(np.asarray(x)[:new])
    pixels = np.concatenate(parts)
    after, rounded = seen(judge, pixels), seen(judge, np.round(pixels))
    clean, fooled, whole = ((each.predicted == classes) == targeted for each in (before, after, rounded))
    able = ~clean & ((classes != own) | (not targeted))
    return Attempt(plan, after, able, fooled & able, whole & fooled & able)


def _aims(before: Seen, own: NDArray[np.int64], plan: Plan) -> NDArray[np.int64]:
    """The target for each image: without one, of the classes that it neither is nor is taken for the likeliest."""
    if plan.target is not None:
        return np.full(len(own), plan.target)
    images, likely = np.arange(len(own)), before.probabilities.copy()
    likely[images, before.predicted] = -1
    # Of two classes, this leaves the other one, whatever it is.
    likely[images, own] -= 0.5
    return np.asarray(np.argmax(likely, axis=-1))


def sheet(
    names: Sequence[str],
    labels: Sequence[int | None],
    before: Seen,
    attempts: Sequence[Attempt],
    classes: Sequence[str],
    title: str,
) -> Sheet:
    """A line for each image: as it was, then of each attack the difference and the result, framed where it fooled."""
    factors = [_factor(one.after.pixels - before.pixels) for one in attempts]
    lines = []
    for at, name in enumerate(names):
        wrong = labels[at] not in (None, before.predicted[at])
        caption = _verdict(before, at, classes) + "\nwrong already" * wrong
        groups: list[tuple[Panel, ...]] = [(Panel(_pixels(before.pixels[at]), caption),)]
        for one, factor in zip(attempts, factors, strict=True):
            away = one.after.pixels[at] - before.pixels[at]
            length = np.sqrt(np.sum((away / 255) ** 2))
            differs = Panel(_pixels(GREY + factor * away), f"up to {np.abs(away).max():.3g}/255\nL2 {length:.3g}")
            frame = ORANGE if one.fooled[at] else ""
            groups.append((differs, Panel(_pixels(one.after.pixels[at]), _verdict(one.after, at, classes), frame)))
        lines.append(Line(name, tuple(groups)))
    heads = ["original"]
    for one, factor in zip(attempts, factors, strict=True):
        heads += [f"difference x {factor:g}", ATTACKS[one.plan.by]]
    cell = max(CELL, min(LARGEST_CELL, *before.pixels.shape[1:3]))
    note = (
        "In a difference grey is 0. Framed: fooled. Percentages are the softmax of the logits. Radii and L2 norms: 1 "
        "is a pixel's whole range."
    )
    return Sheet(lines, title, note, heads, cell)


def sentences(
    labels: Sequence[int | None], before: Seen, attempts: Sequence[Attempt], classes: Sequence[str]
) -> list[str]:
    """What came of it, in words."""
    count, lines = len(labels), []
    wrong = sum(own not in (None, said) for own, said in zip(labels, before.predicted, strict=True))
    for one in attempts:
        aim = "" if one.plan.target is None else f" into '{classes[one.plan.target]}'"
        fooled, whole, able = (int(which.sum()) for which in (one.fooled, one.whole, one.able))
        if not able:
            lines.append(f"{one.plan.words} has nothing to fool: no image is {_due(one.plan)}")
        elif not fooled:
            lines.append(f"{one.plan.words} fools none of {able} images{aim}; {_advice(one.plan)}")
        else:
            lines.append(f"{one.plan.words} fools {fooled} of {able} images{aim}")
        if whole < fooled:
            lines[-1] += f"; {whole or 'none'} of them with pixels rounded to whole values, as a file has them"
    if wrong:
        lines.append(f"{wrong} of {count} images {'is' if wrong == 1 else 'are'} misclassified without any attack")
    return lines


def _due(plan: Plan) -> str:
    """What an image is that can be fooled."""
    target = plan.by == "ascent" or plan.target is not None
    return "of another class than the target's, and taken for another" if target else "taken for its own class"


def _advice(plan: Plan) -> str:
    return "more --steps might" if plan.by == "ascent" else "a larger --epsilon might"


def _factor(away: NDArray[np.float32]) -> float:
    """What a difference is multiplied by so that the largest is still shown: a short number."""
    largest = float(np.abs(away).max())
    if not largest:
        return 1
    factor = MOST / largest
    return float(int(factor)) if factor >= 10 else int(10 * factor) / 10


def _verdict(found: Seen, at: int, classes: Sequence[str]) -> str:
    label = found.predicted[at]
    return f"{shortened(classes[label])}\n{found.probabilities[at, label]:.1%}"


def _pixels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)
