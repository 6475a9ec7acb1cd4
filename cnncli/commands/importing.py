"""`cnncli weights import`: a file of weights becomes a run, which every other command takes."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import file_digest
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncli import runtime
from cnncli.commands import options
from cnncli.commands.opened import IMPORTED
from cnncli.console import importing, terminal
from cnncli.errors import DataError, UsageError
from cnncli.networks import toml
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.network import Network, adapt
from cnncli.runs.folder import RunFolder, now
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
    """A file of weights, what it holds, its digest, what is published about it, and what it says of itself."""

    path: Path
    tensors: "Tensors"
    sha256: str
    known: "Published | None"
    about: dict[str, str]


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
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """Make a run of a file of weights, for every command that takes a run.

    cnncli weights import resnet50-11ad3fa6.pth --network resnet50 --labels imagenet_classes.txt
    """
    from cnncli.weights import exported

    origin = read(file)
    given = of_name(network, origin, crop)
    how = preprocessing(given, Wanted(resize, interpolation, mean, std, transform_input), origin)
    try:
        net, found = fitted(origin.tensors, given, classes)
    except DataError as error:
        raise DataError(f"{origin.path}: {error}") from None
    known = facts_of(net, class_names(labels, size(net).output[-1], origin), how, origin)
    weights = {
        "source": source or (origin.known.address if origin.known else exported.line(origin.about, "source")),
        "licence": licence or (origin.known.licence if origin.known else exported.line(origin.about, "licence")),
        "file": str(origin.path.absolute()),
        "sha256": origin.sha256,
        "names": found.names,
        "preprocessing": how.to_table(),
    }
    folder = written(net, found, known, weights, out, exported.settings(origin.about))
    if json:
        terminal.document(importing.document(folder.path, net, found, weights))
        return
    for sentence in (*importing.sentences(net, found, weights), *remarks(net, known, origin)):
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
    return Origin(path, tensors, digest, named or next(known, None), files.about(path))


def of_name(name: str, origin: Origin, crop: int | None) -> Network:
    """The network that is named, or that the file is known or says to be of, at the size that is cut out."""
    name = name or named(origin)
    if not name:
        raise UsageError(f"no network given for {origin.path}; expected --network, such as --network resnet18")
    height, width, channels = sized(find(name), origin).input
    found = options.network(name, f"{crop or height}x{crop or width}x{channels}")
    if len(output := size(found).output) > 1:
        raise UsageError(f"{name} ends in an image of {show(output)}: it tells no classes, which a run's network does")
    return found


def named(origin: Origin) -> str:
    """The network that a file is known or says to be of; empty where nobody says it."""
    from cnncli.weights import exported

    return origin.known.network if origin.known else exported.network(origin.about)


def sized(network: Network, origin: Origin) -> Network:
    """A network at the input that the file says it had; as it is where that is not said, or cannot be."""
    from cnncli.weights import exported

    said = exported.input(origin.about)
    if said is None or origin.about.get("network") != network.name:
        return network
    try:
        size(adapt(network, said))
    except UsageError:
        return network
    return adapt(network, said)


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


def preprocessing(network: Network, wanted: Wanted, origin: Origin) -> "Preprocessing":
    """How images reach a network: as the command line says, else as is published, as the file says, or as is usual.

    Raises UsageError for what cannot be.
    """
    from cnncli.data.framing import INTERPOLATIONS
    from cnncli.weights import exported
    from cnncli.weights.preprocessing import usual

    known, channels, interpolation = origin.known, network.input[2], wanted.interpolation
    crop = images(network, origin)[0][0]
    # Weights for other classes began as ImageNet's, too.
    first = CATALOGUE[network.name]() if network.name in CATALOGUE else network
    how = usual(crop, channels, of_imagenet=channels == 3 and size(first).output == (1000,))
    said = None if known else exported.preprocessing(origin.about, channels)
    if known or said:
        how = replace(known.preprocessing if known else said or how, crop=crop)
    if wanted.resize is not None:
        how = replace(how, resize=wanted.resize)
    if 0 < how.resize < crop and how != said:
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
    done = said or (known and known.transform_input)
    return how.transformed() if wanted.transform_input and not done else how


def images(network: Network, origin: Origin) -> tuple[tuple[int, int, int], str]:
    """The shape of images before they are fitted to a network, and how they are: as the file says of the network's."""
    from cnncli.weights import exported

    said = exported.images(origin.about, network.input[2])
    its_own = sized(network, origin).input == network.input and exported.preprocessing(origin.about, network.input[2])
    return said if said and its_own and not origin.known else (network.input, "resize")


def remarks(network: Network, known: "Facts", origin: Origin) -> Iterator[str]:
    """What is not as one would expect of images."""
    from cnncli.weights import exported

    if known.shape != network.input:
        fit = exported.settings(origin.about).get("fit", known.fit)
        how = "padded" if fit == "pad" else "resized"
        yield f"then {how}: from {show(known.shape)} to {show(network.input)}"
    if origin.known:
        return
    if "cnncli" in origin.about and exported.preprocessing(origin.about, network.input[2]) is None:
        yield f"note: what {origin.path} says of its images' preprocessing cannot be read, and is left out"
    if exported.is_mean_image(origin.about):
        yield "note: the mean image that was subtracted is not in the file; the mean of each channel takes its place"


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


def class_names(file: Path | None, count: int, origin: Origin) -> tuple[str, ...]:
    """The names of the classes: a file's lines, else what the weights' file says, else numbers.

    A name that comes again gets a number behind it.
    """
    from cnncli.weights import exported

    if file is None:
        return exported.classes(origin.about, count) or tuple(str(label) for label in range(count))
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


def facts_of(network: Network, classes: tuple[str, ...], how: "Preprocessing", origin: Origin) -> "Facts":
    """What a run knows of the images its network takes."""
    from cnncli.data.facts import Facts

    shape, fit = images(network, origin)
    return Facts(
        IMPORTED,
        IMPORTED,
        shape,
        classes,
        train=0,
        test=0,
        mean=how.mean,
        deviation=how.deviation,
        fit=fit,
        source="",
    )


def written(
    network: Network,
    found: "Matched",
    known: "Facts",
    weights: dict[str, Any],
    out: Path | None,
    settings: dict[str, str],
) -> RunFolder:
    """The run folder, with all that a trained one has but its metrics; `settings` are its recipe's."""
    runtime.configure("cpu")
    runtime.devices()
    from cnncli.training.recipe import Recipe, changed
    from cnncli.weights.imported import save

    settings = settings | {key: weights["preprocessing"][key] for key in ("resize", "interpolation")}
    plain = Recipe(network.name, IMPORTED, validation=0.0, scaling="standard", source=weights["source"])
    recipe = changed(plain, settings)
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
    # A folder without its weights would be no run.
    with RunFolder.begun(network.name, IMPORTED, out) as folder:
        save(folder, network, found, known)
        folder.write_recipe(recipe.to_table())
        folder.write_network(toml.write(network))
        folder.write_facts(facts)
    return folder
