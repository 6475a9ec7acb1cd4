"""What the methods of `cnncli visualize` share: a run opened to be looked into, images chosen, a picture's file."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli import runtime
from cnncli.commands import opened, options
from cnncli.commands.source import Source, framing, named, split_of
from cnncli.console import terminal
from cnncli.errors import UsageError
from cnncli.runs.folder import RunFolder

if TYPE_CHECKING:
    from cnncli.data.dataset import Loaded
    from cnncli.data.facts import Facts
    from cnncli.data.framing import Framing
    from cnncli.visualize.picked import Picked
    from cnncli.visualize.subject import Subject

WHICH, DATA = "Which images", "Where from"

Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: RUN-METHOD.png here.")]
Force = Annotated[bool, typer.Option("--force", metavar="", help="Overwrite FILE.")]
Layer = Annotated[str | None, typer.Option("--layer", metavar="PATH", help="As cnncli size prints it.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of whatever is drawn by chance.")]
ClassName = Annotated[str | None, typer.Option("--class", metavar="CLASS", help="A name or a number.")]
ImageFiles = Annotated[
    list[str] | None,
    typer.Option("--image", metavar="FILE", help="A picture's file, china or flower.", rich_help_panel=WHICH),
]
Index = Annotated[
    str | None, typer.Option("--index", metavar="N,...", help="Images of the split.", rich_help_panel=WHICH)
]
Count = Annotated[int | None, typer.Option("--count", min=1, help="How many.", rich_help_panel=WHICH)]
Images = Annotated[
    int | None,
    typer.Option("--images", metavar="N", min=2, help="Of how many images, drawn by chance.", rich_help_panel=WHICH),
]
Split = Annotated[str, typer.Option("--split", help="test or train.", rich_help_panel=DATA)]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset", help="Another than the run's.", rich_help_panel=DATA, autocompletion=options.complete_dataset
    ),
]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="Its files, or the folder above.", rich_help_panel=DATA)
]
Checkpoint = Annotated[
    str | None,
    typer.Option("--checkpoint", metavar="best|last", help="Default: best where there is one.", rich_help_panel=DATA),
]

Norm = Annotated[
    str, typer.Option("--norm", metavar="image|shared", help="Scale each image by itself, or all of a layer alike.")
]


@dataclass(frozen=True)
class Place:
    """Where a run's weights and images come from, as the command line says."""

    checkpoint: str | None = None
    dataset: str | None = None
    split: str = "test"
    source: Source = Source(None, None, False)


@dataclass(frozen=True)
class View:
    """A run opened to be looked into; its data is read when it is first asked for."""

    folder: RunFolder
    slot: str
    place: Place
    method: str
    seed: int

    @property
    def name(self) -> str:
        """The run's name, for titles and files."""
        return self.folder.path.resolve().name

    @cached_property
    def dataset(self) -> str:
        """The dataset that is looked at, as titles have it."""
        from cnncli.data.dataset import short

        return short(self.place.dataset or opened.recipe(self.folder).dataset)

    @cached_property
    def own(self) -> bool:
        """Whether it is the dataset that the run was trained on."""
        return not self.place.dataset or named(self.place.dataset) == opened.recipe(self.folder).dataset

    @cached_property
    def data(self) -> "Loaded":
        """The split that is looked at."""
        if self.place.dataset is None and opened.facts(self.folder)["status"] == opened.IMPORTED:
            raise UsageError(f"{self.name} has imported weights and no dataset; give --image FILE or --dataset")
        return split_of(self.folder, self.place.dataset, self.place.split, self.place.source)

    @cached_property
    def facts(self) -> "Facts":
        """What is known about the data without reading it."""
        return opened.known(self.folder) if self.place.dataset is None else self.data.facts

    @cached_property
    def framing(self) -> "Framing":
        """How a picture of any size becomes an image as the network was trained on, or its weights were."""
        return framing(self.folder)

    @cached_property
    def subject(self) -> "Subject":
        """The trained network."""
        from cnncli.visualize.subject import Subject

        return Subject(opened.trained(self.folder, self.slot, self.facts), self.facts, runtime.compiler_options())

    @cached_property
    def about(self) -> dict[str, str]:
        """Where a picture comes from, as its file says: command, run, checkpoint, seed and versions."""
        from cnncli.visualize.provenance import about

        versions = runtime.versions()
        return about(
            shlex.join(["cnncli", *sys.argv[1:]]), self.folder, self.slot, self.subject.trained, self.seed, versions
        )

    def picked(
        self, count: int, files: Sequence[str] | None = None, index: str | None = None, label: str | None = None
    ) -> "Picked":
        """The images asked for: of files, by their places in the split, of a class; else one of each class in turn."""
        from cnncli.visualize import picked

        if files and (index or label):
            raise UsageError("--image brings its own image; leave --index and --class out")
        if files:
            return picked.files(files, self.framing, self.subject.network.input[2])
        if index:
            return picked.places(numbers(index), self.data)
        only = None if label is None else self.subject.label(label)
        return picked.drawn(self.data, count, self.seed, only)


def numbers(text: str, option: str = "--index") -> list[int]:
    """The numbers of an option such as `--index 3,5,8`; UsageError for anything else."""
    words = text.split(",")
    if not all(word.strip().isascii() and word.strip().isdigit() for word in words):
        raise UsageError(f"{option} is '{text}'; expected numbers from 0, such as 3 or 3,5,8")
    return [int(word) for word in words]


def norm_of(text: str) -> str:
    """`--norm` where it is image or shared; UsageError for anything else."""
    if text not in ("image", "shared"):
        raise UsageError(f"--norm is '{text}'; expected image or shared")
    return text


def look(run: Path, method: str, place: Place, seed: int = 0) -> View:
    """Open a run; nothing is computed yet. Raises UsageError or DataError for a run without a checkpoint."""
    folder = RunFolder.open_run(run)
    slot = opened.slot_of(folder, place.checkpoint)
    runtime.configure(place.source.device)
    runtime.devices()
    return View(folder, slot, place, method, seed)


def target(
    out: Path | None,
    run: Path | None,
    method: str,
    force: bool,
    suffix: str = ".png",
    *others: str,
    option: str = "--out",
) -> Path:
    """The file to write, checked before anything is computed: RUN-METHOD.png in this folder by default.

    It may end in one of the `others`, too; errors name the `option` that asks for it.
    """
    path = out or Path(f"{run.resolve().name}-{method}{suffix}" if run else f"{method}{suffix}")
    if path.suffix.lower() not in (suffix, *others):
        raise UsageError(f"{option} {path}: expected a name ending in {' or '.join((suffix, *others))}")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already; choose another name with {option}, or --force to overwrite it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.absolute().parent}")
    if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        reason = "is a folder" if path.is_dir() else "is in a folder that cannot be written"
        raise UsageError(f"{option} {path}: it {reason}; choose another name")
    return path


def shown(path: Path, *sentences: str) -> None:
    """Say what a picture shows, and print its path."""
    for sentence in sentences:
        terminal.say(sentence)
    terminal.line(str(path))


def made() -> dict[str, str]:
    """Where a picture that needs no run comes from, as its file says: command and versions."""
    from cnncli.visualize.provenance import made

    return made(shlex.join(["cnncli", *sys.argv[1:]]), runtime.versions())
