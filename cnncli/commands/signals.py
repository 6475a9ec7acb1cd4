"""What Ctrl-C and other signals do: a command ends at once, wherever it is; a training at its next step, saved."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_stack
from types import FrameType

# What the command was interrupted by: it may be put off, be dropped, or have become another error in a library.
_noted: list[int] = []
SECONDS_TO_COME_AGAIN = 0.02


def _interrupt(number: int, frame: FrameType | None) -> None:
    _noted.append(number)
    if any(one.f_code.co_filename == "<frozen importlib._bootstrap>" for one, _ in walk_stack(frame)):
        # What interrupts the import of an extension, such as JAX's, can abort the process.
        _come_again()
        return
    raise KeyboardInterrupt


def _come_again() -> None:
    signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_COME_AGAIN)


def overdue() -> None:
    """Raise KeyboardInterrupt where one was put off: before a folder is made, or what takes long begins."""
    if _noted:
        signal.setitimer(signal.ITIMER_REAL, 0)
        raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, and so does every error that comes of it."""
    before, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook

    def again(number: int, frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    def dropped(unraisable: "sys.UnraisableHookArgs") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt) and signal.getsignal(signal.SIGALRM) is again:
            # It came in a callback, such as JAX's for the garbage collector.
            _come_again()
        else:
            hook(unraisable)

    if threading.current_thread() is not threading.main_thread():  # Only that has signals.
        yield
        return
    _noted.clear()
    sys.unraisablehook = dropped
    timed = signal.signal(signal.SIGALRM, again)
    if before is signal.default_int_handler:  # A command in the background ignores it, and goes on doing so.
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    except Exception as error:
        if _noted:
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, timed)
        signal.signal(signal.SIGINT, before)
        if sys.unraisablehook is dropped:  # What an import has put around it stays.
            sys.unraisablehook = hook


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Heed Ctrl-C, SIGTERM and a terminal that goes at the next step; a second one interrupts at once."""
    asked: list[int] = []

    def heed(number: int, frame: FrameType | None) -> None:
        if asked:
            _interrupt(number, frame)
        asked.append(number)

    overdue()
    # What `nohup` started goes on when its terminal goes.
    alone = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heeded = (signal.SIGINT, signal.SIGTERM, *([] if alone else [signal.SIGHUP]))
    before = {number: signal.signal(number, heed) for number in heeded}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
