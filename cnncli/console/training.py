"""A training as it happens: a progress bar at a terminal, plain lines elsewhere; always on standard error."""

import time
from types import TracebackType

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cnncli.console.terminal import messages
from cnncli.training import events
from cnncli.training.events import Event


class Reporter:
    """Renders events; a `with` block, so that the bar goes whatever happens."""

    def __init__(self) -> None:
        self.console = messages()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            transient=True,
            disable=not self.console.is_interactive,
        )
        self._task: TaskID | None = None
        self._epochs = self._steps = 0
        self._began, self._began_at = time.monotonic(), 0

    def __enter__(self) -> "Reporter":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Render one event."""
        match event:
            case events.Started():
                self._start(event)
            case events.Featured() if self._task is not None:
                said = f"features up to {event.path}"
                self._bar.update(self._task, state=f"{event.done:,} of {event.count:,} images", description=said)
                if event.done == event.count:
                    self._say(f"{said} of {event.count:,} images, once: {event.seconds:.1f} s")
            case events.Compiled() if event.seconds:
                self._say(f"compiled in {event.seconds:.1f} s")
                self._began = time.monotonic()
            case events.Progress() if self._task is not None:
                state = f"loss {_loss(event.loss)}  acc {event.accuracy:.2%}  {event.images_per_second:,.0f} img/s"
                said = f"epoch {event.epoch}/{event.epochs}"
                self._bar.update(self._task, completed=event.step, state=state, description=said)
            case events.Epoch():
                self._epoch(event)
            case _:
                pass

    def _start(self, event: events.Started) -> None:
        self._epochs, self._steps, self._began_at = event.epochs, event.steps, event.step
        held = f" (and {event.val_count:,} to validate on)" if event.val_count else ""
        frozen = f" ({event.frozen:,} frozen)" if event.frozen else ""
        self._say(
            f"{event.network} at {event.input} on {event.dataset}: {event.params:,} parameters{frozen}, "
            f"{event.train_count:,} images{held}, "
            f"{event.epochs} epoch{'s' * (event.epochs > 1)} of {event.steps // event.epochs} steps, {event.devices}"
        )
        for note in event.notes:
            self._say(f"note: {note}")
        if event.step:
            self._say(f"going on at step {event.step} of {event.steps}")
        self._task = self._bar.add_task("", total=event.steps, completed=event.step, state="")

    def _epoch(self, event: events.Epoch) -> None:
        validated = ""
        if event.val_accuracy is not None and event.val_loss is not None:
            validated = f"  val loss {_loss(event.val_loss)} acc {event.val_accuracy:.2%}"
        self._say(
            f"epoch {event.epoch:>{len(str(self._epochs))}}/{self._epochs}  loss {_loss(event.train_loss)} "
            f"acc {event.train_accuracy:.2%}{validated}  {event.images_per_second:,.0f} img/s  {self._left(event.step)}"
        )
        if self._task is not None:
            self._bar.update(self._task, completed=event.step)

    def _left(self, step: int) -> str:
        spent = time.monotonic() - self._began
        seconds = round(spent / max(step - self._began_at, 1) * (self._steps - step))
        hours = f"{seconds // 3600}:{seconds // 60 % 60:02}" if seconds >= 3600 else f"{seconds // 60}"
        return f"{hours}:{seconds % 60:02} left"

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=not self.console.is_interactive)


def _loss(loss: float) -> str:
    """Four decimals, or three digits of what has run away."""
    return f"{loss:.4f}" if abs(loss) < 1e4 else f"{loss:.3g}"
