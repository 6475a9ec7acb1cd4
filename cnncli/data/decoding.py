"""Pictures of any number as images of one size, in their order, decoded ahead by threads."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnncli.data import pictures
from cnncli.data.framing import Framing
from cnncli.errors import DataError

# More threads than this wait for each other, and each has a whole picture in memory.
MOST_THREADS = 16


@dataclass(frozen=True)
class Given:
    """A picture: its file, one of PHOTOGRAPHS, or its bytes under a name."""

    name: str
    content: bytes | None = None


@dataclass(frozen=True)
class Unreadable:
    """A picture that cannot be read, and the sentence that says why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Image:
    """A picture as an image (height, width, channel) uint8 of the size that was asked for."""

    name: str
    pixels: NDArray[np.uint8]


def decoded(given: Iterable[Given], framing: Framing, channels: int, ahead: int) -> Iterator[Image | Unreadable]:
    """Each picture in turn; at most `ahead` images are in memory, however many pictures there are.

    Raises UsageError where pictures have no such number of channels.
    """

    def one(picture: Given) -> Image | Unreadable:
        try:
            return Image(picture.name, framing(pictures.read(picture.name, channels, picture.content)))
        except DataError as error:
            return Unreadable(picture.name, str(error))

    waiting: deque[Future[Image | Unreadable]] = deque()
    pool = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1))
    try:
        for picture in given:
            waiting.append(pool.submit(one, picture))
            if len(waiting) == ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # A reader who has had enough waits for no picture that nobody has begun to decode.
        pool.shutdown(cancel_futures=True)
