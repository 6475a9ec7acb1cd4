"""`cnncli weights`: other people's weights, read and written, listed and fetched."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncli import __version__, runtime
from cnncli.commands import opened, options
from cnncli.commands.importing import import_weights
from cnncli.console import terminal, weights
from cnncli.console.loading import Loading
from cnncli.errors import UsageError, nearest
from cnncli.runs.folder import RunFolder, to_json

if TYPE_CHECKING:
    from cnncli.data.facts import Facts
    from cnncli.evaluation.trained import Trained
    from cnncli.weights.pickled import Tensors

app = typer.Typer(no_args_is_help=True, help="Import, export, list and fetch weights.")
app.command("import")(import_weights)


def complete_weights(incomplete: str) -> list[str]:
    """Shell completion of the name of published weights."""
    from cnncli.weights.published import PUBLISHED

    return [name for name in PUBLISHED if name.startswith(incomplete)]


@app.command()
def export(
    run: options.RunPath,
    format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="safetensors, torch-names (torchvision's) or npz.")
    ] = "safetensors",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Default: NETWORK.safetensors or .npz, here.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Overwrite FILE.")] = False,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="best|last", help="Default: best where there is one.")
    ] = None,
) -> None:
    """Write a run's weights for others, and print the file's path.

    cnncli weights export runs/resnet18-cifar10-1 --format torch-names
    """
    from cnncli.weights.writing import FORMATS

    _check_format(format, tuple(FORMATS))
    folder = RunFolder.open_run(run)
    slot, network = opened.slot_of(folder, checkpoint), opened.network(folder)
    path = _target(out or Path(f"{network.name}{'-torch' * (format == 'torch-names')}{FORMATS[format]}"), format, force)
    runtime.configure("cpu")
    runtime.devices()
    from cnncli.weights import writing

    known = opened.known(folder)
    trained = opened.trained(folder, slot, known)
    if format == "torch-names":
        tensors: Tensors = writing.torch_arrays(network, trained.params, trained.stats, trained.step)
    else:
        tensors = writing.arrays(network, trained.params, trained.stats)
    writing.write(path, format, tensors, _about(folder, known, trained))
    terminal.line(str(path))


@app.command("list")
def list_weights(json: options.Json = False) -> None:
    """The weights that `fetch` knows: torchvision's, timm's and others, with their accuracy on ImageNet.

    Accuracies are the publishers'; --json has addresses and preprocessing too.
    """
    from cnncli.weights.published import PUBLISHED

    if json:
        terminal.document(weights.listed_document(PUBLISHED.values()))
    else:
        terminal.result(weights.listed(PUBLISHED.values()))


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", autocompletion=complete_weights)],
    folder: Annotated[Path | None, typer.Option("--dir", metavar="DIR", help="Default: a cache of yours.")] = None,
    offline: options.Offline = False,
) -> None:
    """Download published weights, verify their checksum, print their path, and say how to import them.

    cnncli weights fetch torchvision/resnet50-v2
    """
    from cnncli.weights import fetching
    from cnncli.weights.published import find

    found = find(name)
    with Loading() as report:
        path = fetching.fetch(name, folder=folder, offline=offline, report=report)
    terminal.say(f"make a run of it: {weights.import_command(path, found)}")
    terminal.say(f"names of the classes, for --labels: {found.labels}")
    terminal.line(str(path))


def _check_format(format: str, known: tuple[str, ...]) -> None:
    if format == "onnx":
        raise UsageError(
            "--format onnx: no library that is well kept makes ONNX of Flax NNX; export --format torch-names, load it "
            "into torchvision's network, and use torch.onnx.export"
        )
    if format not in known:
        raise UsageError(f"--format is '{format}'{nearest(format, known)}")


def _target(path: Path, format: str, force: bool) -> Path:
    """Where the file goes; one that is there or cannot be is refused before anything is read."""
    from cnncli.weights.writing import FORMATS

    if path.suffix != FORMATS[format]:
        raise UsageError(f"--out {path}: expected a name ending in {FORMATS[format]}")
    if path.is_dir():
        raise UsageError(f"--out {path} is a folder; expected a file")
    if path.exists() and not force:
        raise UsageError(f"{path} exists already; choose another with --out, or --force to overwrite it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.absolute().parent}")
    return path


def _about(folder: RunFolder, known: "Facts", trained: "Trained") -> dict[str, str]:
    """What a file says of its arrays: texts, some of them JSON."""
    from cnncli.weights.writing import preprocessing

    network, recipe, facts = trained.model.network, opened.recipe(folder), opened.facts(folder)
    if recipe.scaling == "mean-image":
        terminal.say("note: the mean image that is subtracted is not in the file, only the mean of each channel")
    how = preprocessing(trained.scale, known.shape[0], recipe.resize, recipe.interpolation)
    settings = {"fit": recipe.fit, "loss": recipe.loss, "precision": recipe.precision}
    said: dict[str, Any] = {
        "network": network.name,
        "input": list(network.input),
        "classes": list(known.classes),
        "images": {"shape": list(known.shape), "fit": known.fit},
        "recipe": {key: value for key, value in settings.items() if value},
        "preprocessing": {"scaling": recipe.scaling, **how.to_table()},
        "cnncli": __version__,
        **{key: facts.get("weights", {}).get(key, "") for key in ("source", "licence")},
    }
    return {key: value if isinstance(value, str) else to_json(value) for key, value in said.items() if value}
