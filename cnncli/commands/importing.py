"""`cnncli weights import`: a file of weights becomes a run, which every other command takes."""

import shlex
import sys
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import file_digest
from math import isfinite
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncli import runtime
from cnncli.commands import options
from cnncli.commands.opened import IMPORTED
from cnncli.commands.task import now
from cnncli.console import importing, terminal
from cnncli.errors import DataError, UsageError
from cnncli.networks import toml
from cnncli.networks.catalogue import CATALOGUE
from cnncli.networks.network import Network, adapt
from cnncli.runs.folder import RunFolder
from cnncli.sizing.size import show, size

if TYPE_CHECKING:
    from cnncli.data.facts import Facts
    from cnncli.weights.matching import Matched, Tensors
    from cnncli.weights.preprocessing import Preprocessing
    from cnncli.weights.published import Published

FROM, SEEN = "Where they are from", "How images were prepared"

Source = Annotated[str, typer.Option("--source", metavar="TEXT", help="Kept with them.", rich_help_panel=FROM)]
Licence = Annotated[str, typer.Option("--licence", metavar="TEXT", help="Kept with them.", rich_help_panel=FROM)]
Labels = Annotated[Path | None, typer.Option("--labels", metavar="FILE", help="Names of the classes, one a line.")]
Resize = Annotated[
    int | None, typer.Option("--resize", min=0, help="Pixels of the shorter side; 0: fit.", rich_help_panel=SEEN)
]
Crop = Annotated[
    int | None, typer.Option("--crop", min=1, help="Pixels of the middle that is cut out.", rich_help_panel=SEEN)
]
Interpolation = Annotated[
    str | None, typer.Option("--interpolation", metavar="bilinear|bicubic", help="Of resizing.", rich_help_panel=SEEN)
]
Mean = Annotated[
    str | None, typer.Option("--mean", metavar="R,G,B", help="Subtracted from pixels of 0 to 1.", rich_help_panel=SEEN)
]
Deviation = Annotated[str | None, typer.Option("--std", metavar="R,G,B", help="Then divided by.", rich_help_panel=SEEN)]
TransformInput = Annotated[
    bool,
    typer.Option("--transform-input", metavar="", help="As torchvision's ported GoogLeNet does.", rich_help_panel=SEEN),
]


@dataclass(frozen=True)
class Wanted:
    """What the command line says of how images were prepared; None where it leaves that to us."""

    resize: int | None
    interpolation: str | None
    mean: str | None
    deviation: str | None
    transform_input: bool


@dataclass(frozen=True)
class Origin:
    """A file of weights, what it holds, its digest, and what is published about it, where that is known."""

    path: Path
    tensors: "Tensors"
    sha256: str
    known: "Published | None"


def import_weights(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="safetensors, .pth, .npz or .h5; or a name that was fetched.")
    ],
    network: Annotated[
        str,
        typer.Option("--network", metavar="NETWORK", help="What it is of.", autocompletion=options.complete_network),
    ] = "",
    classes: options.Classes = None,
    labels: Labels = None,
    source: Source = "",
    licence: Licence = "",
    resize: Resize = None,
    crop: Crop = None,
    interpolation: Interpolation = None,
    mean: Mean = None,
    std: Deviation = None,
    transform_input: TransformInput = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The run folder to make.")] = None,
    json: options.Json = False,
) -> None:
    """Make a run of a file of weights, for every command that takes a run.

    cnncli weights import resnet50-11ad3fa6.pth --network resnet50 --labels imagenet_classes.txt
    """
    origin = read(file)
    given = of_name(network, origin, crop)
    how = preprocessing(given, Wanted(resize, interpolation, mean, std, transform_input), origin.known)
    try:
        net, found = fitted(origin.tensors, given, classes)
    except DataError as error:
        raise DataError(f"{origin.path}: {error}") from None
    names = class_names(labels, size(net).output[-1])
    weights = {
        "source": source or (origin.known.address if origin.known else ""),
        "licence": licence or (origin.known.licence if origin.known else ""),
        "file": str(origin.path.absolute()),
        "sha256": origin.sha256,
        "names": found.names,
        "preprocessing": how.to_table(),
    }
    folder = written(net, found, facts_of(net, names, how), weights, out)
    if json:
        terminal.document(importing.document(folder.path, net, found, weights))
        return
    for sentence in importing.sentences(net, found, weights):
        terminal.say(sentence)
    if origin.known and not labels:
        terminal.say(f"classes are numbers; their names: {origin.known.labels}, for --labels")
    terminal.line(str(folder.path))


def read(file: Path) -> Origin:
    """A file, or the one that was fetched under a name; what is published about it is known by its digest."""
    from cnncli.weights import fetching, files
    from cnncli.weights.published import PUBLISHED

    named = None if file.exists() else PUBLISHED.get(str(file))
    path = fetching.fetch(named.name, offline=True) if named else file
    tensors, digest = files.read(path), sha256(path)
    known = (one for one in PUBLISHED.values() if one.sha256 and digest.startswith(one.sha256))
    return Origin(path, tensors, digest, named or next(known, None))


def of_name(name: str, origin: Origin, crop: int | None) -> Network:
    """The network that is named, or that published weights are of, at the size that is cut out."""
    name = name or (origin.known.network if origin.known else "")
    if not name:
        raise UsageError(f"no network given for {origin.path}; expected --network, such as --network resnet18")
    found = options.network(name, str(crop) if crop else None)
    if len(output := size(found).output) > 1:
        raise UsageError(f"{name} ends in an image of {show(output)}: it tells no classes, which a run's network does")
    return found


def fitted(tensors: "Tensors", network: Network, classes: int | None) -> tuple[Network, "Matched"]:
    """The network, with the file's number of classes, and its arrays; DataError where they do not go together."""
    from cnncli.weights import matching

    try:
        there = matching.classes(tensors, network)
        if classes and there and classes != there:
            raise DataError(
                f"it tells {there} classes, not {classes}: import it without --classes, and train a head of your own "
                f"with cnncli train {network.name} --from RUN --dataset DIR"
            )
        told = there or classes
        if told and (told,) != size(network).output:
            network = adapt(network, classes=told)
        found = matching.matched(tensors, network)
        # A deeper network of the same family has all that a shallower one needs.
        if not found.fits or (found.leftover and matching.fitting(tensors)):
            raise DataError(importing.refusal(network.name, found))
        return network, found
    except DataError as error:
        other = matching.fitting(tensors)
        hint = f"; all of it fits --network {other}" if other not in (None, network.name) else ""
        raise DataError(f"{error}{hint}") from None


def preprocessing(network: Network, wanted: Wanted, known: "Published | None" = None) -> "Preprocessing":
    """How images reach a network: as the command line says, else as published weights have it, else as is usual.

    Raises UsageError for what cannot be.
    """
    from cnncli.data.framing import INTERPOLATIONS
    from cnncli.weights.preprocessing import usual

    (crop, _, channels), interpolation = network.input, wanted.interpolation
    # Weights for other classes began as ImageNet's, too.
    first = CATALOGUE[network.name]() if network.name in CATALOGUE else network
    how = usual(crop, channels, of_imagenet=channels == 3 and size(first).output == (1000,))
    if known:
        how = replace(known.preprocessing, crop=crop)
    if wanted.resize is not None:
        how = replace(how, resize=wanted.resize)
    if 0 < how.resize < crop:
        raise UsageError(f"--resize is {how.resize}; expected at least the {crop} pixels that are cut out, or 0")
    if interpolation and interpolation not in INTERPOLATIONS:
        raise UsageError(f"--interpolation is '{interpolation}'; expected one of {', '.join(INTERPOLATIONS)}")
    how = replace(how, interpolation=interpolation or how.interpolation)
    if wanted.mean:
        how = replace(how, mean=each(wanted.mean, "--mean", channels))
    if wanted.deviation:
        how = replace(how, deviation=each(wanted.deviation, "--std", channels))
    if min(how.deviation) <= 0:
        raise UsageError(f"--std is '{wanted.deviation}'; expected numbers above 0")
    if wanted.transform_input and network.name != "googlenet-torchvision":
        raise UsageError(f"--transform-input belongs to googlenet-torchvision, not to {network.name}")
    return how.transformed() if wanted.transform_input and not (known and known.transform_input) else how


def each(text: str, option: str, channels: int) -> tuple[float, ...]:
    """A number for each channel, from a comma list of as many or of one."""
    try:
        values = tuple(float(word) for word in text.split(","))
    except ValueError:
        values = ()
    if len(values) not in (1, channels) or not all(map(isfinite, values)):
        example = ",".join(["0.5"] * channels)
        raise UsageError(f"{option} is '{text}'; expected a number for each of {channels} channels, such as {example}")
    return values if len(values) == channels else values * channels


def class_names(file: Path | None, count: int) -> tuple[str, ...]:
    """The names of the classes: a file's lines, else numbers; a name that comes again gets a number behind it."""
    if file is None:
        return tuple(str(label) for label in range(count))
    try:
        names = [line.strip() for line in file.read_text(encoding="utf-8").rstrip().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DataError(f"--labels {file}: {reason}") from None
    if len(names) != count:
        raise DataError(
            f"--labels {file} has {len(names):,} lines; the network tells {count:,} classes, expected one each"
        )
    if "" in names:
        raise DataError(f"--labels {file}: line {names.index('') + 1} is empty; expected the name of a class")
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        names[place] = f"{name} ({seen[name]})" if seen[name] > 1 else name
    return tuple(names)


def sha256(file: Path) -> str:
    """The digest of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def facts_of(network: Network, classes: tuple[str, ...], how: "Preprocessing") -> "Facts":
    """What a run knows of the images its network takes."""
    from cnncli.data.facts import Facts

    return Facts(
        IMPORTED,
        IMPORTED,
        network.input,
        classes,
        train=0,
        test=0,
        mean=how.mean,
        deviation=how.deviation,
        fit="resize",
        source="",
    )


def written(network: Network, found: "Matched", known: "Facts", weights: dict[str, Any], out: Path | None) -> RunFolder:
    """The run folder, with all that a trained one has but its metrics."""
    runtime.configure("cpu")
    runtime.devices()
    from cnncli.training.recipe import Recipe
    from cnncli.weights.imported import save

    framed = {key: weights["preprocessing"][key] for key in ("resize", "interpolation")}
    recipe = Recipe(network.name, IMPORTED, validation=0.0, scaling="standard", source=weights["source"], **framed)
    folder = RunFolder.create(network.name, IMPORTED, out)
    facts = {
        "schema": "cnncli.run/1",
        "status": IMPORTED,
        "network": network.name,
        "dataset": IMPORTED,
        "command": shlex.join(["cnncli", *sys.argv[1:]]),
        "started": now(),
        "data": {"dir": None, "read_from": weights["file"], **known.to_table()},
        "weights": weights,
        "versions": runtime.versions(),
        "device": runtime.describe(),
    }
    try:
        save(folder, network, found, known)
        folder.write_recipe(recipe.to_table())
        folder.write_network(toml.write(network))
        folder.write_facts(facts)
    except BaseException:
        # A folder without its weights would be no run.
        rmtree(folder.path, ignore_errors=True)
        raise
    return folder
