"""A trained network, opened from a checkpoint: what evaluation, pictures and predictions start from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cnncli.data.dataset import Loaded
from cnncli.data.facts import Facts
from cnncli.data.inputs import Fit, Scale, scale_for
from cnncli.data.placement import Placement, placement
from cnncli.errors import DataError, UsageError
from cnncli.evaluation.evaluate import Evaluator, Examples
from cnncli.evaluation.metrics import Evaluation, evaluated
from cnncli.models.model import Arrays, Model, model
from cnncli.networks.network import Network
from cnncli.runs.checkpoints import Checkpoints
from cnncli.sizing.size import show, size


@dataclass(frozen=True)
class Trained:
    """A model with its parameters on every device, and how images reach it; `step` is the training step it is from."""

    model: Model
    params: Arrays
    stats: Arrays
    scale: Scale
    fit: Fit
    loss: str
    step: int
    where: Placement

    def evaluate(self, data: Loaded, batch_size: int, options: dict[str, str]) -> Evaluation:
        """Evaluate a whole split, exactly."""
        examples = Examples.placed(data.split.images, data.split.labels, self.where)
        evaluator = Evaluator(self.model, self.fit, self.loss, self.where, batch_size, options)
        predictions = evaluator.predict(self.params, self.stats, self.scale, examples)
        return evaluated(predictions, data.facts.classes)


def restore(
    slot: Path, network: Network, facts: Facts, *, scaling: str, fit: str, loss: str, precision: str
) -> Trained:
    """Open the newest checkpoint of a slot for data that `facts` describe.

    Raises DataError for a damaged or mismatched checkpoint, UsageError where network and data do not go together.
    """
    classes, output = len(facts.classes), size(network).output
    if output != (classes,) or facts.shape[2] != network.input[2]:
        raise UsageError(
            f"{network.name} takes {network.input[2]} channels and tells {show(output)} classes; {facts.name} has "
            f"{facts.shape[2]} and {classes}"
        )
    where, built = placement(), model(network, jnp.dtype(precision))
    params, stats = built.shapes()
    # A mean image has the shape of the images it is of; every other scaling has one value, or one a channel.
    scale = scale_for(scaling, facts, np.zeros((1, *facts.shape), np.uint8))
    likes = _placed((params, {"stats": stats, "scale": scale}), where)
    with Checkpoints(slot) as checkpoints:
        if checkpoints.latest() is None:
            raise DataError(f"{slot} holds no complete checkpoint; go on training with --resume to make one")
        kept = checkpoints.restore_params(*likes)
    reached = Fit(fit or facts.fit, network.input[:2])
    return Trained(
        built, kept.params, kept.stats["stats"], kept.stats["scale"], reached, loss, kept.meta["step"], where
    )


def _placed(tree: Any, where: Placement) -> Any:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where.replicated), tree)
