"""The bytes of original files: read whole but never beyond a bound, from a folder or from inside a tar archive."""

import gzip
import hashlib
import tarfile
import zlib
from pathlib import Path
from typing import Protocol

from cnncli.errors import DataError

DAMAGED = (OSError, EOFError, zlib.error, tarfile.TarError)
"""What the standard library raises for a file that cannot be read, opened or decompressed."""


def exists(path: Path) -> bool:
    """Tell whether there is a regular file; raises DataError where that cannot be told, as without permission."""
    try:
        return path.is_file()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: BaseException) -> DataError:
    """Return, in one line, why a file could not be read."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return DataError(f"{path}: cannot be read: {reason}")


def size(path: Path) -> int:
    """Return the size of a file in bytes; raises DataError."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; raises DataError."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def read(path: Path, limit: int) -> bytes:
    """Return the bytes of a file of at most `limit` bytes; raises DataError where it has more or cannot be read."""
    if size(path) > limit:
        raise DataError(f"{path}: expected at most {limit:,} bytes, found {size(path):,}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


class Readable(Protocol):
    """Anything that gives its bytes piece by piece."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""


class _Bounded:
    """A stream that refuses to go on for ever: small archives can decompress to anything."""

    def __init__(self, stream: Readable, limit: int, path: Path) -> None:
        self._stream, self._left, self._path = stream, limit, path

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; raises DataError past the limit."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise DataError(f"{self._path}: unpacks to far more than this dataset has: not the original archive")
        return data


def members(archive: Path, names: tuple[str, ...], limit: int) -> list[bytes]:
    """Return the bytes of the named regular files in a `.tar.gz`, matched by base name, nothing being extracted.

    No member may have more than `limit` bytes. Raises DataError for a damaged archive and for missing members.
    """
    found: dict[str, bytes] = {}
    try:
        with gzip.open(archive) as stream:
            bounded = _Bounded(stream, limit * (len(names) + 6), archive)
            with tarfile.open(fileobj=bounded, mode="r|") as tar:  # type: ignore[call-overload]
                for member in tar:
                    name = member.name.rpartition("/")[2]
                    if name not in names or name in found or not member.isreg():
                        continue
                    if member.size > limit:
                        raise DataError(f"{archive}: {name}: expected at most {limit:,} bytes, found {member.size:,}")
                    found[name] = tar.extractfile(member).read()
                    if len(found) == len(names):
                        break  # the rest of the archive need not be decompressed
    except DAMAGED as error:
        raise unreadable(archive, error) from error
    missing = [name for name in names if name not in found]
    if missing:
        raise DataError(f"{archive}: expected members {', '.join(names)}; missing: {', '.join(missing)}")
    return [found[name] for name in names]
