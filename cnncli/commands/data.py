"""`cnncli data`: fetch datasets, and check the files of one."""

from pathlib import Path
from typing import Annotated

import typer

from cnncli.commands import options
from cnncli.console import listing, terminal
from cnncli.console.loading import Loading
from cnncli.errors import DataError

app = typer.Typer(no_args_is_help=True, help="Fetch and check datasets.")


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
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of original files, or the one above.")],
    json: options.Json = False,
) -> None:
    """Say which datasets a folder holds, and whether each file is whole; exit 3 when one is not."""
    from cnncli.data.check import check as check_folder

    with Loading() as report:
        found = check_folder(folder, report)
    if json:
        terminal.document(listing.findings_document(found))
    else:
        terminal.result(listing.findings(found))
    if bad := [one for one in found if not one.ok]:
        raise DataError(f"{len(bad)} of {len(found)} files are not as published, first {bad[0].file}: {bad[0].problem}")
