"""Where data comes from, as the command line and a run say, and what is read from there."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.commands import opened
from cnncli.console import terminal
from cnncli.console.loading import Loading
from cnncli.errors import DataError
from cnncli.runs.folder import RunFolder

if TYPE_CHECKING:
    from cnncli.data.dataset import Loaded
    from cnncli.data.framing import Framing


@dataclass(frozen=True)
class Source:
    """Where data comes from and where it is computed on, as the command line says."""

    data_dir: Path | None
    device: str | None
    offline: bool
    skip_bad: bool = False


def remembering(source: Source, facts: dict[str, Any]) -> Source:
    """Where a run's own data comes from: what the command line leaves open is as it was in training."""
    kept = facts["data"]
    data_dir = source.data_dir or (Path(kept["dir"]) if kept["dir"] else None)
    return replace(source, data_dir=data_dir, skip_bad=source.skip_bad or kept.get("skip_bad", False))


def split_of(folder: RunFolder, dataset: str | None, split: str, source: Source) -> "Loaded":
    """A split of a run's own dataset or of another, as its network takes it; labels are those of its classes."""
    from cnncli.data import subset
    from cnncli.data.dataset import folder as folder_of

    name, known = opened.recipe(folder).dataset, opened.known(folder)
    wanted = name if dataset is None else named(dataset)
    if wanted == name:
        source = remembering(source, opened.facts(folder))
        if (place := folder_of(name)) and not place.exists():
            raise DataError(f"{place}: there is no such folder any more; where it has moved, add --dataset DIR")
    data = subset.aligned(load(wanted, split, source, framing(folder)), known.classes)
    # Its own images, and pictures of files, reach the network as those did that it was trained on.
    return replace(data, facts=replace(data.facts, fit=known.fit)) if wanted == name or folder_of(wanted) else data


def named(dataset: str) -> str:
    """A dataset by the name that a recipe has: a folder's absolute path."""
    from cnncli.data.dataset import full

    return full(dataset)


def load(dataset: str, split: str, source: Source, framed: "Framing") -> "Loaded":
    """Load a split, showing what takes long and saying what should be known of it."""
    from cnncli.data.dataset import folder
    from cnncli.data.dataset import load as load_split

    data_dir, offline, skip = source.data_dir, source.offline, source.skip_bad
    with Loading(items=folder(dataset) is not None) as report:
        data = load_split(
            dataset, split, data_dir=data_dir, offline=offline, report=report, framing=framed, skip_bad=skip
        )
    for note in data.notes:
        terminal.say(f"note: {note}")
    return data


def framing(folder: RunFolder) -> "Framing":
    """How pictures of files become images such as a run's network was trained on."""
    from cnncli.data.framing import Framing

    recipe, known = opened.recipe(folder), opened.known(folder)
    return Framing(known.shape[:2], recipe.resize, recipe.interpolation, known.shape[2])
