"""`cnncli eval`: a run on a split, exactly."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli import runtime
from cnncli.commands import opened, options
from cnncli.commands.running import verdict_of
from cnncli.commands.source import Source, named, split_of
from cnncli.console import terminal
from cnncli.errors import DataError, ExpectedNo, UsageError
from cnncli.runs.folder import RunFolder

if TYPE_CHECKING:
    from cnncli.data.dataset import Loaded
    from cnncli.evaluation.metrics import Evaluation

# Images at a time, unless the command says otherwise.
BATCH = 500


def evaluate(
    run: options.RunPath,
    split: Annotated[str, typer.Option("--split", help="test or train.")] = "test",
    dataset: options.DatasetName = None,
    data_dir: options.DataDir = None,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="best|last", help="Default: best where there is one.")
    ] = None,
    per_class: Annotated[
        bool, typer.Option("--per-class", metavar="", help="Recall and precision of each class.")
    ] = False,
    confusion: Annotated[
        Path | None,
        typer.Option("--confusion", metavar="FILE", help="Write it as .png, .csv, .json or .txt; - prints it."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Overwrite FILE.")] = False,
    require: Annotated[float | None, typer.Option("--require", help="Exit 1 below this accuracy (0.99).")] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Images at a time.")] = BATCH,
    skip_bad: options.SkipBad = False,
    device: options.Device = None,
    offline: options.Offline = False,
    json: options.Json = False,
) -> None:
    """Evaluate a run over a whole split: loss, top-1 and top-5 accuracy.

    cnncli eval runs/lenet5-mnist-1 --per-class --confusion confusion.png
    """
    if require is not None and not 0 <= require <= 1:
        raise UsageError(f"--require is {require:g}; expected an accuracy as a fraction, such as 0.99")
    folder = RunFolder.open_run(run)
    slot = opened.slot_of(folder, checkpoint)
    _check_target(confusion, force)
    source = Source(data_dir, device, offline, skip_bad)
    data, result, step = evaluated(folder, slot, split, dataset, source, batch_size)
    from cnncli.console import evaluation

    about = {"run": str(folder.path), "dataset": data.facts.name, "split": split, "checkpoint": slot, "step": step}
    if confusion is not None and str(confusion) != "-":
        from cnncli.data.dataset import short

        _write_confusion(confusion, result, f"{folder.path.name}, {short(data.facts.name)} {split}")
    if json:
        terminal.document(evaluation.document(result, about))
    else:
        terminal.result(*evaluation.tables(result, about, per_class, confusion=str(confusion) == "-"))
    if require is not None and result.accuracy < require:
        raise ExpectedNo(f"accuracy is {result.accuracy:.4f}; --require {require:g}")


def evaluated(
    folder: RunFolder, slot: str, split: str, dataset: str | None, source: Source, batch_size: int
) -> tuple["Loaded", "Evaluation", int]:
    """Restore a checkpoint, load a split, and predict it."""
    own = opened.recipe(folder).dataset
    if dataset is None and opened.facts(folder)["status"] == opened.IMPORTED:
        raise UsageError(f"{folder.path} has imported weights and no dataset of its own: give one with --dataset")
    runtime.configure(source.device)
    runtime.devices()
    same = dataset is None or named(dataset) == own
    data = split_of(folder, dataset, split, source)
    trained = opened.trained(folder, slot, data.facts)
    result = trained.evaluate(data, batch_size, runtime.compiler_options())
    # Only of the checkpoint that was chosen by validation: by the test split nothing is chosen.
    if same and split == "test" and slot == opened.slot_of(folder, None):
        _remember(folder, slot, result, trained.step)
    return data, result, trained.step


def _remember(folder: RunFolder, slot: str, result: "Evaluation", step: int) -> None:
    """Write into run.json what the test split gave, where the run can be written and nobody is training it.

    Where nothing was held out, it says for the first time whether the network overfits.
    """
    from cnncli.console.diagnosis import document, sentences

    said = {"accuracy": result.accuracy, "loss": result.loss, "count": result.count, "checkpoint": slot, "step": step}
    with suppress(DataError):
        facts = {**folder.read_facts(), "test": said}
        verdict = verdict_of(folder, facts)
        for sentence in sentences(verdict) if slot == "last" else ():
            terminal.say(sentence)
        with suppress(UsageError), folder.writing():
            folder.write_facts({**facts, "diagnosis": document(verdict)})


def _check_target(path: Path | None, force: bool) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    if path is None or str(path) == "-":
        return
    if path.suffix.lower() not in (".png", ".csv", ".json", ".txt"):
        raise UsageError(f"--confusion {path}: expected a name ending in .png, .csv, .json or .txt, or - to print it")
    if path.exists() and not force:
        raise UsageError(f"--confusion {path} exists already; choose another name, or --force to overwrite it")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--confusion {path}: there is no folder {path.absolute().parent}")


def _write_confusion(path: Path, result: "Evaluation", title: str) -> None:
    from cnncli.console import evaluation

    if path.suffix.lower() == ".png":
        from cnncli.visualize import confusion

        confusion.draw(result.confusion, result.classes, path, f"{title}: {result.accuracy:.2%}")
        return
    path.write_text(evaluation.confusion_text(result, path.suffix.lower()), encoding="utf-8")
