"""Downloading published weights into a folder, resumed and verified; Hugging Face's through its own library."""

from pathlib import Path

from cnncli.data import download, files, locate
from cnncli.data.facts import File
from cnncli.data.progress import Report, silent
from cnncli.errors import DataError, UsageError
from cnncli.weights.published import HUB_FILE, Published, find


def fetch(name: str, *, folder: Path | None = None, offline: bool = False, report: Report = silent) -> Path:
    """Make sure that published weights are on disk, and return their file.

    They go to `folder`, else below $CNNCLI_DATA or the user's cache, Hugging Face's to the cache of its own. Raises
    UsageError for an unknown name and where Hugging Face's library is needed and is not there, DataError where the
    network fails, is forbidden, or delivers other bytes than the published ones.
    """
    weights, offline = find(name), offline or download.is_offline()
    if weights.repository:
        return _from_hub(weights, folder and folder.expanduser(), offline)
    folder = folder.expanduser() if folder else locate.home() / "weights"
    file = File(weights.file, 0, weights.sha256, (weights.address,))
    path = folder / file.name
    if download.is_right(path, file):
        return path
    if offline:
        raise _absent(name, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with download.alone(folder):
            if download.is_right(path, file):  # another process has brought it
                return path
            if files.exists(path):
                path.unlink()
            return download.obtain(download.sized(file), folder, report, "--dir")
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from error


def _from_hub(weights: Published, folder: Path | None, offline: bool) -> Path:
    """The file of a repository of Hugging Face, which its library verifies and resumes."""
    try:
        from huggingface_hub import errors, hf_hub_download
    except ImportError:
        raise UsageError(
            f"{weights.name} is on the Hugging Face hub; to fetch it: pip install 'cnncli[hub]', or download "
            f"{weights.address}/resolve/main/{HUB_FILE}"
        ) from None
    place = folder / weights.name.replace("/", "--") if folder else None
    try:
        return Path(hf_hub_download(weights.repository, HUB_FILE, local_dir=place, local_files_only=offline))
    except errors.LocalEntryNotFoundError as error:
        raise (_absent(weights.name, place) if offline else _failed(weights, error)) from None
    except Exception as error:
        # What its libraries for the network raise is their own and changes with them.
        raise _failed(weights, error) from error


def _absent(name: str, folder: Path | None) -> DataError:
    where = str(folder) if folder else "the cache of the Hugging Face hub"
    return DataError(
        f"{name} is not in {where} and the network is not to be used: run `cnncli weights fetch {name}` where it may "
        "be, or give --dir"
    )


def _failed(weights: Published, error: Exception) -> DataError:
    said = str(error).strip().splitlines() or [type(error).__name__]
    return DataError(f"could not download {weights.name} from {weights.address}: {said[0][:200]}")
