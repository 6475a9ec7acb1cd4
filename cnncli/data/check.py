"""Checking a folder: which datasets' original files it holds, and whether each is whole, or what images."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cnncli.data import cifar, files, idx
from cnncli.data.facts import DATASETS, SPLITS, Facts, File
from cnncli.data.locate import LAYOUTS, Layout
from cnncli.data.progress import Report, silent
from cnncli.errors import DataError

if TYPE_CHECKING:
    from cnncli.data.inventory import Inventory


@dataclass(frozen=True)
class Finding:
    """What is known about one file: whose it is, whether it is whole, and if not, what was expected and found."""

    dataset: str
    file: str
    ok: bool
    problem: str = ""


def check(path: Path, report: Report = silent) -> "list[Finding] | Inventory":
    """Return a finding for every file of every dataset that the folder, or one just below it, holds.

    Files whose SHA-256 is published are compared with it; the others are read and their contents counted. Where there
    are no such files, the folder is one of images. Raises DataError for a folder that is missing or holds nothing
    recognized.
    """
    path = path.expanduser()
    if not path.is_dir():
        raise DataError(f"{path} is a file, not a folder" if path.exists() else f"{path}: no such folder")
    findings: list[Finding] = []
    for name, layouts in LAYOUTS.items():
        for layout in layouts:
            for below in layout.folders:
                if _belongs(name, layout, path, below):
                    findings += _check_layout(DATASETS[name], layout, path, path / below, report)
    return findings or _images(path, report)


def _images(path: Path, report: Report) -> "Inventory":
    from cnncli.data.inventory import inventory

    try:
        below = any(entry.is_dir() and entry.name[0] != "." for entry in path.iterdir())
    except OSError as error:
        raise files.unreadable(path, error) from error
    if not below:
        raise DataError(f"{path}: no dataset recognized; looked for {_looked_for()}, and for class folders of images")
    return inventory(path.resolve(), report)


def _looked_for() -> str:
    first = {(layout.archive or layout.train[0]): None for layouts in LAYOUTS.values() for layout in layouts}
    return ", ".join(first)


def _belongs(name: str, layout: Layout, path: Path, below: str) -> bool:
    """Tell whether the folder holds any of the layout's files, and they are this dataset's."""
    found = [file for split in SPLITS for file in layout.present(path / below, split).values() if file]
    if not found:
        return False
    return layout.kind != "idx" or below not in (".", "raw") or _idx_owner(path / below, found) == name


def _idx_owner(folder: Path, found: list[Path]) -> str:
    """Return whose files these are where only names tell MNIST's from Fashion-MNIST's: by checksum, else by folder."""
    published = {file.sha256: facts.name for facts in DATASETS.values() for file in facts.files}
    owners = (published.get(files.sha256(path)) for path in found if path.suffix == ".gz")
    named = "fashion_mnist" if "fashion" in str(folder.resolve()).lower() else "mnist"
    return next((owner for owner in owners if owner), named)


def _check_layout(facts: Facts, layout: Layout, root: Path, folder: Path, report: Report) -> list[Finding]:
    names = {name: split for split in SPLITS for name in layout.present(folder, split)}
    findings = []
    for done, (name, split) in enumerate(names.items()):
        path = layout.present(folder, split)[name]
        shown = str((path or folder / name).relative_to(root))
        report(f"check {shown}", done, len(names))
        problem = _problem(facts, layout, split, name, path) if path else "missing"
        findings.append(Finding(facts.name, shown, not problem, problem))
    return findings


def _problem(facts: Facts, layout: Layout, split: str, name: str, path: Path) -> str:
    """Return what is wrong with a file that is there, or nothing."""
    published = next((file for file in facts.files if file.name == path.name), None)
    try:
        if published:
            return _compare(path, published)
        if layout.archive:
            for part in SPLITS:
                _parse_archive(facts, layout, part, path)
        elif layout.kind == "idx":
            shape = (facts.count(split), *facts.shape[:2]) if "images" in name else (facts.count(split),)
            idx.read(path, shape)
        else:
            form = cifar.Form.of(facts, layout.kind, split, len(layout.names(split)))
            form.parse(files.read(path, form.limit), path.name)
    except DataError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def _parse_archive(facts: Facts, layout: Layout, split: str, path: Path) -> None:
    names = layout.names(split)
    form = cifar.Form.of(facts, layout.kind, split, len(names))
    for name, data in zip(names, files.members(path, names, form.limit), strict=True):
        form.parse(data, name)


def _compare(path: Path, published: File) -> str:
    found = files.size(path)
    if found != published.size:
        word = "truncated" if found < published.size else "too long"
        return f"{word}: expected {published.size:,} bytes, found {found:,}"
    digest = files.sha256(path)
    return "" if digest == published.sha256 else f"wrong checksum: expected SHA-256 {published.sha256}, found {digest}"
