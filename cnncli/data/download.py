"""Downloading original files: resumed, verified by their published SHA-256, and never half under their final name."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from cnncli.data import files, locate
from cnncli.data.facts import Facts, File, find
from cnncli.data.progress import Report, silent
from cnncli.errors import DataError, UsageError

_CHUNK = 1 << 18
_WHOLE = 64  # hexadecimal digits of a SHA-256
# Compression in transit would change both the bytes and what a range means.
_AS_IT_IS = {"Accept-Encoding": "identity"}
_PATIENCE = (10, 30)  # seconds to connect, and between two pieces of an answer


class _Failed(Exception):
    """This mirror did not deliver; the next one may."""


def is_offline() -> bool:
    """Tell whether $CNNCLI_OFFLINE forbids the network."""
    return os.environ.get("CNNCLI_OFFLINE", "") not in ("", "0")


def fetch(name: str, *, data_dir: Path | None = None, offline: bool = False, report: Report = silent) -> Path:
    """Make sure that the dataset's original files are on disk and return their folder.

    They go to a folder of the dataset's name in `data_dir`, else in $CNNCLI_DATA or the user's cache. Files that are
    there with the right checksum stay. Raises UsageError for a name that has nothing to download, and DataError where
    the network fails, is forbidden, or delivers other bytes than the published ones.
    """
    facts = find(name)
    if not facts.files:
        raise UsageError(f"'{name}' comes with scikit-learn: there is nothing to download")
    root = locate.home() if data_dir is None else data_dir.expanduser()
    folder = _folder(facts, root)
    if all(is_right(folder / file.name, file) for file in facts.files):
        return folder
    if not any(files.exists(folder / file.name) for file in facts.files) and locate.is_complete(facts, root):
        return root  # complete in another layout
    if offline or is_offline():
        raise DataError(
            f"{name} is not in {root} and the network is not to be used: run `cnncli data fetch {name}` where it may "
            "be, or give --data-dir"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder):
            for file in facts.files:
                obtain(file, folder, report)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return folder


def _folder(facts: Facts, root: Path) -> Path:
    """Return the folder that already holds some of the dataset's original files, else a new one of its name."""
    for layout in locate.LAYOUTS[facts.name]:
        for below in layout.folders:
            there = [file for file in facts.files if files.exists(root / below / file.name)]
            # MNIST and its relatives share file names: a folder that does not tell must not be overwritten.
            untold = layout.kind == "idx" and below in (".", "raw")
            if there and (not untold or any(is_right(root / below / file.name, file) for file in there)):
                return root / below
    return root / facts.name


def is_right(path: Path, file: File) -> bool:
    """Tell whether a file is there and has the published size and digest, as far as they are known."""
    there = files.exists(path) and files.size(path) == (file.size or files.size(path))
    return there and files.sha256(path).startswith(file.sha256)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time download into the folder; the others find the files there."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot lock folders; the checksums still decide
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sized(file: File) -> File:
    """The file with the size that its server gives it. Raises DataError naming what went wrong at each mirror."""
    import requests

    problems = []
    for url in file.urls:
        try:
            with requests.head(url, headers=_AS_IT_IS, timeout=_PATIENCE, allow_redirects=True) as answer:
                answer.raise_for_status()
                return replace(file, size=int(answer.headers["Content-Length"]))
        except (KeyError, ValueError):
            problems.append(f"{url}: it does not say how large it is")
        except requests.RequestException as error:
            problems.append(f"{url}: {_reason(error)}")
    raise DataError(f"could not download {file.name}: {'; '.join(problems)}")


def obtain(file: File, folder: Path, report: Report = silent, option: str = "--data-dir") -> Path:
    """Download one file into the folder from the first mirror that delivers the published bytes, and return its path.

    What a failed attempt leaves is `NAME.part`, from which the next attempt goes on. Raises DataError naming what went
    wrong at each mirror, and the option that names a folder, OSError where the folder cannot be written.
    """
    import pooch

    pooch.get_logger().setLevel("ERROR")  # progress is reported, not logged
    problems = []
    # A part of a digest is verified by the downloader.
    known = f"sha256:{file.sha256}" if len(file.sha256) == _WHOLE else None
    for url in file.urls:
        try:
            pooch.retrieve(url, known, file.name, folder, downloader=_downloader(file, folder, report))
            return folder / file.name
        except ValueError as error:  # pooch: another digest; it names both
            problems.append(f"{url}: {str(error).partition('. ')[0]}")
        except _Failed as error:
            problems.append(f"{url}: {error}")
    raise DataError(
        f"could not download {file.name}: {'; '.join(problems)}; run the same command again to go on, "
        f"or put the file in a folder and give {option}"
    )


def _downloader(file: File, folder: Path, report: Report) -> Callable[[str, str, object], None]:
    """Return a downloader for pooch that goes on from `NAME.part` and hands over the file only when it is whole."""

    def download(url: str, target: str, _: object) -> None:
        part = folder / f"{file.name}.part"
        _append(url, part, file, report)
        if len(file.sha256) < _WHOLE and not (found := files.sha256(part)).startswith(file.sha256):
            part.unlink()
            raise _Failed(f"expected a SHA-256 that begins with {file.sha256}, received {found}")
        part.replace(target)

    return download


def _append(url: str, part: Path, file: File, report: Report) -> None:
    import requests

    start = part.stat().st_size if part.exists() else 0
    if start > file.size:
        start = 0
    if start < file.size:
        headers = _AS_IT_IS | ({"Range": f"bytes={start}-"} if start else {})
        try:
            with requests.get(url, headers=headers, stream=True, timeout=_PATIENCE) as answer:
                answer.raise_for_status()
                resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(
                    f"bytes {start}-"
                )
                start = start if resumed else 0
                _write(answer.iter_content(_CHUNK), part, start, file, report)
        except requests.RequestException as error:
            raise _Failed(_reason(error)) from error
    if (found := part.stat().st_size) != file.size:
        raise _Failed(f"expected {file.size:,} bytes, received {found:,}")


def _write(chunks: Iterator[bytes], part: Path, start: int, file: File, report: Report) -> None:
    done = start
    report(f"download {file.name}", done, file.size)
    with part.open("ab" if start else "wb") as stream:
        for chunk in chunks:
            done += len(chunk)
            if done > file.size:
                stream.close()
                part.unlink()
                raise _Failed(f"expected {file.size:,} bytes, received more")
            stream.write(chunk)
            report(f"download {file.name}", done, file.size)


def _reason(error: Exception) -> str:
    """Return the innermost reason: requests wraps what happened in several layers of repeated words."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection" if "Max retries" in str(error) else "the connection broke"
    return "the connection broke" if "IncompleteRead" in str(error) else type(error).__name__
