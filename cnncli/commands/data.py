"""`cnncli data`: fetch datasets, check the files of one, and show its images."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli import runtime
from cnncli.commands import options
from cnncli.console import listing, terminal
from cnncli.console.loading import Loading
from cnncli.errors import DataError, UsageError
from cnncli.networks.checks import two

if TYPE_CHECKING:
    from cnncli.data.check import Finding
    from cnncli.data.inventory import Inventory

app = typer.Typer(no_args_is_help=True, help="Fetch, check and show datasets.")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=options.complete_dataset)],
    data_dir: options.DataDir = None,
    offline: options.Offline = False,
) -> None:
    """Download a dataset's original files, verify their checksums, and print their folder."""
    from cnncli.data import dataset

    with Loading() as report:
        folder = dataset.fetch(name, data_dir=data_dir, offline=offline, report=report)
    terminal.line(str(folder))


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Original files or images, or the folder above them.")],
    json: options.Json = False,
) -> None:
    """Say which datasets a folder holds, and whether each file is whole; exit 3 when one is not.

    Of a folder of images: how many each class has, their sizes, which cannot be read, which are there
    twice, across splits or in different classes, and which classes are empty.
    """
    from cnncli.data.check import check as check_folder

    with Loading(items=True) as report:
        found = check_folder(folder, report)
    if isinstance(found, list):
        _tell_files(found, json)
    else:
        _tell_images(found, json)


def _tell_files(found: "list[Finding]", json: bool) -> None:
    if json:
        terminal.document(listing.findings_document(found))
    else:
        terminal.result(listing.findings(found))
    if bad := [one for one in found if not one.ok]:
        raise DataError(f"{len(bad)} of {len(found)} files are not as published, first {bad[0].file}: {bad[0].problem}")


def _tell_images(found: "Inventory", json: bool) -> None:
    from cnncli.console import inventory

    if json:
        terminal.document(inventory.document(found))
    else:
        terminal.result(*inventory.tables(found))
    if bad := found.harmful:
        raise DataError(f"{found.root} has {len(bad):,} problem{'s' * (len(bad) > 1)}, first {bad[0].words}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="DATASET", autocompletion=options.complete_dataset)],
    split: Annotated[str, typer.Option("--split", help="train or test.")] = "train",
    augment: Annotated[
        str | None, typer.Option("--augment", metavar="TEXT", help='What to do to images: "crop(padding=4), mirror".')
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Images of each class, or versions of an image.")] = 8,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of images and changes.")] = 0,
    input: Annotated[
        str | None, typer.Option("--input", metavar="SIZE", help="Bring images to this size before: N or HxW.")
    ] = None,
    data_dir: options.DataDir = None,
    skip_bad: options.SkipBad = False,
    offline: options.Offline = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: DATASET.png, here.")] = None,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Overwrite FILE.")] = False,
) -> None:
    """Draw some images of each class, or one of each beside what augmentation makes of it; print the picture's path.

    cnncli data show cifar10 --augment "crop(padding=4), mirror"

    Augmentations: shift, crop, resized-crop, mirror, affine, rotate, scale,
    shear, elastic, colour-jitter, pca-noise, cutout, mixup, cutmix. Training takes
    the same text: cnncli train ... --augment "crop, mirror".
    """
    path = _picture(name, augment, out, force)
    size = two(options.pair(input, "--input")) if input else None
    if size and 0 in size:
        raise UsageError(f"--input is '{input}'; expected at least one pixel")
    # A few images are not worth the start of an accelerator.
    runtime.configure("cpu")
    from cnncli.data import dataset
    from cnncli.data.augment import read
    from cnncli.data.framing import Framing
    from cnncli.data.inputs import Fit
    from cnncli.drawing import grid
    from cnncli.visualize import samples

    change = read(augment, "--augment") if augment is not None else None
    framing = Framing(size) if size else None
    with Loading(items=dataset.folder(name) is not None) as report:
        data = dataset.load(
            name, split, data_dir=data_dir, offline=offline, report=report, framing=framing, skip_bad=skip_bad
        )
    for note in data.notes:
        terminal.say(f"note: {note}")
    fit = Fit(data.facts.fit, size or data.facts.shape[:2])
    rows = samples.augmented(data, fit, change, count, seed) if change else samples.of_classes(data, fit, count, seed)
    if len(rows) < len(data.facts.classes):
        terminal.say(f"note: {len(rows)} of {len(data.facts.classes)} classes; --seed chooses others")
    grid.draw(rows, path, f"{dataset.short(name)} {split}" + (f": {change}" if change else ""))
    terminal.line(str(path))


def _picture(name: str, augment: str | None, out: Path | None, force: bool) -> Path:
    """Where the picture goes; a file that is there or cannot be is refused before anything is read."""
    from cnncli.data.dataset import short

    stem = re.sub(r"[^\w.-]+", "-", short(name)).strip("-.") or "dataset"
    path = out or Path(f"{stem}.png" if augment is None else f"{stem}-augmented.png")
    if path.suffix.lower() != ".png":
        raise UsageError(f"--out {path}: expected a name ending in .png")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already; choose another with --out, or --force to overwrite it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.absolute().parent}")
    return path
