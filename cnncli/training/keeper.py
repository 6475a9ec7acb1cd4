"""What a training leaves on disk: a line of metrics an epoch, the last checkpoint and the best."""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from types import TracebackType
from typing import Any

import jax
import jax.numpy as jnp

from cnncli.runs.checkpoints import Checkpoints
from cnncli.runs.folder import RunFolder
from cnncli.training.events import Best, Epoch, Saved
from cnncli.training.step import State

# Epochs shorter than this share a checkpoint.
SECONDS_BETWEEN_SAVES = 2.0


class Keeper:
    """Writes a run folder; leaving the `with` block waits until everything is on disk."""

    def __init__(self, folder: RunFolder, choose: str = "accuracy") -> None:
        self.folder, self.choose = folder, choose
        self._last, self._best_slot = Checkpoints(folder.slot("last")), Checkpoints(folder.slot("best"))
        self.best: Best | None = None
        self._unsaved: tuple[Best, Any, Any] | None = None
        # The first epoch is saved whatever it took: so there is something to go on from when a later one goes wrong.
        self._saved_at = -math.inf

    def __enter__(self) -> "Keeper":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._best_slot.close()
        finally:
            self._last.close()

    def restore(self, like: State) -> State | None:
        """The last checkpoint's state, verified, or None when nothing was saved yet; metrics after it are dropped."""
        # A kill between the two slots leaves a best that is newer than the last; it is as good as any.
        self.best = Best(**self._best_slot.meta()["best"]) if self._best_slot.latest() is not None else None
        state = self.last(like)
        self.folder.keep_metrics(int(state.step) if state else 0)
        return state

    def last(self, like: State) -> State | None:
        """The last checkpoint's state, verified, or None when nothing was saved yet."""
        self._last.wait()
        if self._last.latest() is None:
            return None
        kept = self._last.restore(like.evaluated, _others(like), _rest(like))
        rest = dict(kept.rest)
        # Where an average is kept, it is what the checkpoint calls the parameters and the statistics.
        params, stats, scale = kept.params, kept.stats["stats"], kept.stats["scale"]
        average = {"average": params, "average_stats": stats} if like.average else {"average": {}, "average_stats": {}}
        raw = {"params": rest.pop("raw") or params, "stats": rest.pop("raw_stats", {}) or stats}
        return State(**raw, **average, scale=scale, **rest)

    def record(self, line: Epoch, state: State) -> None:
        """Write an epoch's line, and remember its arrays when it is the best so far."""
        self.folder.append_metrics(asdict(line))
        if line.val_accuracy is None or line.val_loss is None:
            return
        best = Best(line.epoch, line.step, line.val_accuracy, line.val_loss)
        if best.beats(self.best, self.choose):
            # The step after this one donates the state's arrays, so the best ones are copies.
            self.best, self._unsaved = best, (best, *jax.tree.map(jnp.copy, (state.evaluated, _others(state))))

    def due(self) -> bool:
        """Whether enough time has gone by since the last checkpoint."""
        return time.monotonic() - self._saved_at > SECONDS_BETWEEN_SAVES

    def begin(self, state: State) -> None:
        """Save a state that nobody could make again, before the first step."""
        self._save_last(state)
        self._last.wait()

    def _save_last(self, state: State) -> int:
        step = int(state.step)
        self._last.save(step, state.evaluated, _others(state), _rest(state), {"step": step})
        return step

    def save(self, state: State) -> Iterator[Saved]:
        """Save the best arrays and then the state, so that there is never a last without its best."""
        yield from self.save_best()
        step = self._save_last(state)
        self._saved_at = time.monotonic()
        yield Saved(step, self._last.folder, best=False)

    def save_best(self) -> Iterator[Saved]:
        """Save the best arrays unless they are on disk."""
        if self._unsaved is None:
            return
        best, params, others = self._unsaved
        # Numbered by themselves: where bits differ, a resumed run may find its best at an earlier step than before.
        number = (self._best_slot.latest() or 0) + 1
        self._best_slot.save(number, params, others, {}, {"step": best.step, "best": asdict(best)})
        self._best_slot.wait()
        self._unsaved = None
        yield Saved(best.step, self._best_slot.folder, best=True)


def _others(state: State) -> dict[str, Any]:
    """What evaluation needs beside the parameters."""
    return {"stats": state.evaluated_stats, "scale": state.scale}


def _rest(state: State) -> dict[str, Any]:
    """What only training needs; the raw parameters and statistics where averages go before them."""
    kept = ("optimizer", "seed", "step", "tally", "pace", "patience")
    raw = {"raw": state.params if state.average else {}}
    if state.average_stats:
        raw["raw_stats"] = state.stats
    return {**raw, **{name: getattr(state, name) for name in kept}}
