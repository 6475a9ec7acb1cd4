"""Where a picture comes from, as texts in its file."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cnncli.runs.folder import RunFolder

if TYPE_CHECKING:
    from cnncli.evaluation.trained import Trained

Versions = Mapping[str, str | None]


def about(
    command: str, folder: RunFolder, slot: str, trained: "Trained", seed: int, versions: Versions
) -> dict[str, str]:
    """The PNG texts Software, Command, Run, Checkpoint (with the SHA-256 of its arrays), Seed and Versions."""
    checkpoint = f"{slot}, step {trained.step}, SHA-256 {fingerprint(trained)}"
    return _texts(command, versions, Run=str(folder.path), Checkpoint=checkpoint, Seed=str(seed))


def of_training(command: str, folders: Sequence[RunFolder], versions: Versions) -> dict[str, str]:
    """The texts of a picture of how runs were trained, which no checkpoint decides: the runs, and their seeds."""
    seeds = ", ".join(str(folder.read_facts().get("seed")) for folder in folders)
    return _texts(command, versions, Run=", ".join(str(folder.path) for folder in folders), Seed=seeds)


def made(command: str, versions: Versions) -> dict[str, str]:
    """The texts of a picture that needs no run: Software, Command and Versions."""
    return _texts(command, versions)


def fingerprint(trained: "Trained") -> str:
    """SHA-256, in hexadecimal, of all parameters and statistics by their paths."""
    from cnncli.runs.digests import digests

    every = digests({"params": trained.params, "stats": trained.stats})
    return hashlib.sha256("".join(f"{path} {one}\n" for path, one in sorted(every.items())).encode()).hexdigest()


def _texts(command: str, versions: Versions, **particular: str) -> dict[str, str]:
    texts = {
        "Software": f"cnncli {versions.get('cnncli')}",
        "Command": command,
        **particular,
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items() if version),
    }
    # A path may have bytes that are no text.
    return {key: text.encode("utf-8", "backslashreplace").decode() for key, text in texts.items()}
