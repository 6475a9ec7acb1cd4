"""`cnncli predict`: what a trained network says of pictures."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnncli import runtime
from cnncli.commands import opened, options
from cnncli.commands.named import named
from cnncli.commands.source import Source
from cnncli.commands.visualize.looking import Force, Place, View, look, target
from cnncli.console import terminal
from cnncli.console.loading import Loading
from cnncli.errors import DataError, UsageError

if TYPE_CHECKING:
    from cnncli.data.decoding import Given, Image, Unreadable
    from cnncli.evaluation.predictor import Ranked

# Images at a time: activations of large networks at 224x224 still fit.
BATCH = 64
# Of more images a sheet is none to look at, and a command none to read.
SHOWN, WORDS = 100, 2_000


@dataclass(frozen=True)
class Found:
    """What was said of the pictures, those that cannot be read, and the first images, for the sheet."""

    ranked: "list[Ranked]" = field(default_factory=list)
    skipped: "list[Unreadable]" = field(default_factory=list)
    images: "list[Image]" = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """How to predict, as the command line says: the layer at `features` is written to `save`."""

    top: int
    batch_size: int
    skip_bad: bool
    features: str
    save: Path | None


def predict(
    run: options.RunPath,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE", help="Files, folders, 'patterns/**/*.png', or - for stdin.")
    ],
    top: Annotated[int, typer.Option("--top", metavar="K", min=1, help="How many classes of each image.")] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help=f"A sheet of the first {SHOWN} images as PNG.")
    ] = None,
    features: Annotated[
        str,
        typer.Option(
            "--features", metavar="PATH", help="A layer as cnncli size prints it; relu7 is AlexNet's 4,096 values."
        ),
    ] = "",
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Its activations and the logits as .npz.")
    ] = None,
    force: Force = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", metavar="", help="Leave out what cannot be read.")] = False,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="best|last", help="Default: best where there is one.")
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Images at a time.")] = BATCH,
    device: options.Device = None,
    json: options.Json = False,
) -> None:
    """Predict the classes of pictures, as evaluation takes images; probabilities are the softmax of the logits.

    cnncli predict RUN photos/ cat.jpg     find . -name '*.png' | cnncli predict RUN - --top 1 --json
    """
    sheet = target(out, None, "predict", force) if out else None
    if bool(features) != bool(save):
        raise UsageError("--features PATH says which layer and --save FILE.npz where to; expected both or none")
    if save:
        target(save, None, "predict", force, ".npz", option="--save")
    given = named(images)
    view = look(run, "predict", Place(checkpoint, source=Source(None, device, False)))
    found = predicted(view, given, Request(top, batch_size, skip_bad, features, save))
    if sheet:
        _draw(view, found, sheet)
    if found.skipped:
        names = ", ".join(one.name for one in found.skipped[:3]) + ", ..." * (len(found.skipped) > 3)
        terminal.say(f"note: {len(found.skipped):,} of {len(given):,} images cannot be read, left out: {names}")
    from cnncli.console import predict

    trained, classes = view.subject.trained, view.facts.classes
    about = {"run": str(run), "checkpoint": view.slot, "step": trained.step}
    about["probability"] = predict.meaning(trained.loss)
    if json:
        terminal.document(predict.document(found.ranked, found.skipped, classes, about))
    else:
        terminal.result(*predict.tables(found.ranked, classes, about))


def predicted(view: View, given: "list[Given]", request: Request) -> Found:
    """Predict pictures in their order, a batch in memory at a time.

    Raises DataError for a picture that cannot be read, where these are not to be skipped, or where none can.
    """
    from cnncli.data.decoding import decoded
    from cnncli.evaluation.predictor import Predictor
    from cnncli.runs.archive import Archive
    from cnncli.visualize.layers import row_of

    if request.features:
        row_of(opened.network(view.folder), request.features, "--features")
    trained, found = view.subject.trained, Found()
    # As few batches as there can be, all of one size: what the last one lacks is computed for nothing.
    batches = -(-len(given) // request.batch_size)
    together = -(-len(given) // batches)
    predictor = Predictor(trained, together, runtime.compiler_options(), request.features)
    pictures = decoded(given, view.framing, view.facts.shape[2], 2 * predictor.batch_size)
    with Loading(items=True) as report, Archive(request.save) if request.save else nullcontext() as archive:
        for batch in predictor.over(_readable(pictures, found, request.skip_bad)):
            found.ranked.extend(batch.ranked(request.top))
            found.images.extend(batch.images[: SHOWN - len(found.images)])
            if archive:
                archive.add(features=batch.features, logits=batch.logits)
            report(f"predict {len(given):,} images", len(found.ranked) + len(found.skipped), len(given))
        if not found.ranked:
            raise DataError(f"none of {len(given):,} images can be read; the first: {found.skipped[0].reason}")
        if archive:
            names = [one.name for one in found.ranked]
            archive.write(images=names, path=request.features, run=str(view.folder.path), classes=view.facts.classes)
    return found


def _readable(pictures: "Iterable[Image | Unreadable]", found: Found, skip_bad: bool) -> "Iterator[Image]":
    """The pictures that can be read; others are kept in `found`, or refused."""
    from cnncli.data.decoding import Image

    for one in pictures:
        if isinstance(one, Image):
            yield one
        elif skip_bad:
            found.skipped.append(one)
        else:
            raise DataError(f"{one.reason} (--skip-bad goes on without such files)")


def _draw(view: View, found: Found, path: Path) -> None:
    """Draw the first images as a sheet, and say how many they are."""
    from cnncli.drawing import sheet
    from cnncli.visualize.predictions import sheet as laid_out

    shown, total = found.images, len(found.ranked)
    which = f"the first {len(shown)} of {total:,} images" if len(shown) < total else f"{total} images"
    title = f"{view.name}: predictions of {which}"
    note = "Each image as the network takes it, its most probable class, and the softmax of the logits."
    drawn = laid_out(shown, found.ranked[: len(shown)], view.facts.classes, title, note)
    about = view.about
    command = about["Command"] if len(about["Command"]) <= WORDS else f"{about['Command'][:WORDS]} ..."
    sheet.draw(drawn, path, {**about, "Command": command})
    terminal.say(f"{path}: {which}")
