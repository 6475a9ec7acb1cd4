"""`cnncli list`: what there is by name."""

import typer

from cnncli.commands import options
from cnncli.console import listing, terminal

app = typer.Typer(no_args_is_help=True, help="List networks, datasets, recipes and methods.")


@app.command()
def networks(json: options.Json = False) -> None:
    """The networks that are known by name."""
    from cnncli.networks.catalogue import CATALOGUE, find
    from cnncli.sizing.size import size

    reports = [size(find(name)) for name in CATALOGUE]
    if json:
        terminal.document(listing.networks_document(reports))
    else:
        terminal.result(listing.networks(reports))


@app.command()
def datasets(json: options.Json = False) -> None:
    """The datasets that are known by name; tfds:NAME gives any of TensorFlow Datasets."""
    from cnncli.data.facts import DATASETS

    facts = list(DATASETS.values())
    if json:
        terminal.document(listing.datasets_document(facts))
    else:
        terminal.result(listing.datasets(facts))


@app.command()
def recipes(json: options.Json = False) -> None:
    """The recipes of the texts; every network and dataset also has a default."""
    from cnncli.training.published import RECIPES

    if json:
        terminal.document(listing.recipes_document(RECIPES))
    else:
        terminal.result(listing.recipes(RECIPES))


@app.command()
def methods(json: options.Json = False) -> None:
    """The methods of `cnncli visualize`, and what each shows."""
    from typer.main import get_group

    from cnncli.commands import visualize

    # From the commands themselves: the first line of each one's help.
    helps = {name: command.help or "" for name, command in get_group(visualize.app).commands.items()}
    known = {name: help.strip().partition("\n")[0] for name, help in sorted(helps.items())}
    if json:
        terminal.document(listing.methods_document(known))
    else:
        terminal.result(listing.methods(known))
