"""From the words of a command line to what training needs: a recipe, a network, data and a run folder."""

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli import runtime
from cnncli.commands import opened, options
from cnncli.commands.origin import Origin, origin
from cnncli.commands.signals import overdue
from cnncli.commands.source import Source, framing, load, named, remembering
from cnncli.console import terminal
from cnncli.errors import DataError, UsageError
from cnncli.networks import toml
from cnncli.networks.layers import AdaptivePool, Conv, PartialConv, Pool, Subsample
from cnncli.networks.network import Network, adapt, walk, without
from cnncli.runs.folder import RunFolder, now

if TYPE_CHECKING:
    from cnncli.data.dataset import Loaded
    from cnncli.data.framing import Framing
    from cnncli.training.recipe import Recipe
    from cnncli.training.start import Start


@dataclass(frozen=True)
class Request:
    """A new training as the command line asks for it; None where it leaves the choice to us.

    `start` is the run, or the file of weights, that it starts from.
    """

    network: str | None
    dataset: str | None
    recipe: str | None
    settings: dict[str, Any]
    set: list[str]
    input: str | None
    classes: int | None
    out: Path | None
    start: Path | None = None


@dataclass(frozen=True)
class Task:
    """A training that is ready to run; `facts` is what run.json says."""

    recipe: "Recipe"
    network: Network
    data: "Loaded"
    folder: RunFolder
    facts: dict[str, Any]
    resume: bool
    start: "Start | None" = None


@dataclass(frozen=True)
class Resolved:
    """Recipe, network and data that go together; `start` are the arrays to start from, `origin` whose they are."""

    recipe: "Recipe"
    network: Network
    data: "Loaded"
    start: "Start | None"
    origin: dict[str, Any]


def resolved(request: Request, source: Source, validated: bool = False) -> Resolved:
    """What a request comes to, said where it is not what one would expect; `validated`: something must be held out."""
    runtime.configure(source.device)
    runtime.devices()
    from cnncli.training.recipe import on_device

    recipe, network, found = _chosen(request)
    _check_validation(recipe, validated)
    recipe = on_device(recipe, runtime.devices()[0].platform)
    data = _part(recipe, load(recipe.dataset, "train", source, _framing(recipe, network, request)))
    if found and set(data.facts.classes) == set(found.known.classes):
        from cnncli.data.subset import aligned

        # A head that is taken along keeps the order of its classes.
        data = aligned(data, found.known.classes)
    if found and not request.input and data.facts.shape[2] != network.input[2]:
        theirs = f"{network.input[2]} channel{'s' * (network.input[2] > 1)}"
        raise UsageError(
            f"--from {request.start}: its network takes {theirs}; {data.facts.name} has {data.facts.shape[2]}"
        )
    network = _relieved(_adapted(network, data, request), recipe)
    if recipe.init:
        network = replace(network, init=recipe.init)
    from cnncli.training.session import check

    check(recipe, network, data)
    if found is None:
        if recipe.freeze:
            terminal.say("note: what is frozen was never trained; --from RUN starts from a network that was")
        return Resolved(recipe, network, data, None, {})
    start, data = found.start(network, recipe, data)
    for note in found.notes(start, network, data.facts.classes):
        terminal.say(f"note: {note}")
    return Resolved(recipe, network, data, start, {**found.about, "taken": len(start.taken), "new": start.new})


def new(request: Request, source: Source, validated: bool) -> Task:
    """A training from the beginning, with its run folder made and written."""
    found = resolved(request, source, validated)
    recipe, network, data = found.recipe, found.network, found.data
    from cnncli.data.dataset import short

    overdue()
    with RunFolder.begun(network.name, short(recipe.dataset), request.out) as folder:
        facts = {
            "schema": "cnncli.run/1",
            "status": "running",
            "network": network.name,
            "dataset": recipe.dataset,
            "command": shlex.join(["cnncli", *sys.argv[1:]]),
            "seed": recipe.seed,
            "started": now(),
            "data": {**_place(source, data), **data.facts.to_table()},
            **({"from": found.origin} if found.start else {}),
            "versions": runtime.versions(),
            "device": runtime.describe(),
        }
        folder.write_recipe(recipe.to_table())
        folder.write_network(toml.write(network))
        folder.write_facts(facts)
    return Task(recipe, network, data, folder, facts, resume=False, start=found.start)


def finished(path: Path) -> bool:
    """Whether a run has trained all its epochs."""
    folder = RunFolder.open_run(path)
    facts, epochs = opened.facts(folder), folder.read_recipe().get("epochs")
    trained = facts.get("ended") == "early" or (facts.get("last") or {}).get("epoch") == epochs
    return facts["status"] == "done" and trained and folder.slot("last").is_dir()


def going_on(path: Path, source: Source, validated: bool) -> Task:
    """A run to go on with, on the same kind of device and with as many threads as before."""
    from cnncli.data.subset import aligned

    folder = RunFolder.open_run(path)
    facts = opened.facts(folder)
    if facts["status"] == opened.IMPORTED:
        start = f"cnncli train --from {path} --dataset DIR"
        raise UsageError(f"{path} has imported weights and no training to go on with; start one from them: {start}")
    before = facts["device"]
    runtime.configure(source.device or before["platform"], before["threads"])
    runtime.devices()

    from cnncli.runs.checkpoints import Checkpoints

    # A kill while it was being saved leaves a folder that holds nothing whole.
    if facts.get("from") and Checkpoints(folder.slot("last")).latest() is None:
        raise DataError(f"{path} was stopped before it had saved what it starts from; train it anew")
    recipe = opened.recipe(folder)
    _check_validation(recipe, validated)
    network = opened.network(folder)
    for difference in _differences(facts):
        terminal.say(f"note: {difference}; the last bits of the result may differ from a run never stopped")
    data = _part(recipe, load(recipe.dataset, "train", remembering(source, facts), framing(folder)))
    known = opened.known(folder)
    data = aligned(data, known.classes)
    data = replace(data, facts=replace(data.facts, fit=known.fit))
    if data.sha256 != facts["data"].get("sha256", data.sha256):
        raise DataError(f"the images in {recipe.dataset} are no longer those that this run began with; train anew")
    return Task(recipe, network, data, folder, facts, resume=True)


def _framing(recipe: "Recipe", network: Network, request: Request) -> "Framing":
    """How pictures of files reach a network that is to be trained; its channels are theirs, unless it has its own."""
    from cnncli.data.framing import Framing

    asked = request.start is not None or (request.input or "").count("x") == 2
    input = options.adapted(network, request.input, None).input
    return Framing(input[:2], recipe.resize, recipe.interpolation, input[2] if asked else 0)


def _place(source: Source, data: "Loaded") -> dict[str, Any]:
    """Where data was asked for and found, and what was left out of it, as run.json has it."""
    data_dir = str(source.data_dir.absolute()) if source.data_dir else None
    kept = {"skip_bad": source.skip_bad, "skipped": data.skipped, "sha256": data.sha256}
    return {"dir": data_dir, "read_from": data.where, **kept}


def _part(recipe: "Recipe", data: "Loaded") -> "Loaded":
    """The classes and images of a training split that a recipe takes."""
    from cnncli.data import subset

    if recipe.only:
        data = subset.only(data, subset.listed(recipe.only, data.facts.classes))
    return subset.per_class(data, recipe.per_class, recipe.seed) if recipe.per_class else data


def _chosen(request: Request) -> tuple["Recipe", Network, Origin | None]:
    """The recipe, the network it is for and what it starts from, before the data is known."""
    from cnncli.training import recipes
    from cnncli.training.recipe import setting

    given = options.network(request.network) if request.network else None
    found = origin(request.start, given and options.adapted(given, request.input, None)) if request.start else None
    if found:
        # Unless another is asked for, its size is the one that it was trained at.
        given = options.adapted(adapt(given or found.network, found.network.input), request.input, None)
    settings = {**dict(setting(text) for text in request.set), **request.settings}
    if "network" in settings:
        raise UsageError("--set network: a network is given by itself, as in cnncli train lenet5 --dataset digits")
    if found and given:
        settings = {**found.settings_at(given.input[0]), **settings}
    if request.recipe:
        recipe = recipes.find(request.recipe, given.name if given else "", request.dataset or "")
    elif given is None:
        raise UsageError("no network given; expected one, as in cnncli train lenet5 --dataset digits")
    elif request.dataset is None:
        raise UsageError(f"no dataset given; expected --dataset, as in cnncli train {given.name} --dataset digits")
    else:
        recipe = recipes.default(options.adapted(given, request.input, None), request.dataset)
        if found:
            recipe = recipes.tuned(given, _set(recipe, settings, request))
    recipe = _set(recipe, settings, request)
    network = given or options.network(recipe.network)
    return replace(recipe, dataset=named(recipe.dataset)), network, found


def _set(recipe: "Recipe", settings: dict[str, Any], request: Request) -> "Recipe":
    """The recipe with settings, one after the other, so that an error names the flag of its own."""
    from cnncli.training.recipe import changed

    # Names of parts first: they bring the defaults of what may be set in them.
    for key in sorted(settings, key=lambda key: "." in key and not key.endswith(".name")):
        flag = "--" + key.rpartition(".")[2].replace("_", "-") if key in request.settings else "--set"
        recipe = changed(recipe, {key: settings[key]}, flag)
    return recipe


def _relieved(network: Network, recipe: "Recipe") -> Network:
    """The network without the auxiliary heads that would train nothing but themselves."""
    from cnncli.training.freezing import freezing, idle_heads

    idle = idle_heads(network, freezing(network, recipe.freeze, recipe.thaw, recipe.epochs).frozen)
    if not idle:
        return network
    terminal.say(f"note: nothing trains below {' and '.join(idle)}, which {'is' if len(idle) == 1 else 'are'} left out")
    return without(network, idle)


def _check_validation(recipe: "Recipe", validated: bool) -> None:
    if validated and recipe.validation == 0:
        raise UsageError("--until needs images to validate on, and this recipe holds out none: --set validation=0.1")


def _adapted(network: Network, data: "Loaded", request: Request) -> Network:
    """The network for this data: its channels and classes, and its size where no window depends on it."""
    height, width, channels = data.facts.shape
    windowless = not any(isinstance(layer, _WINDOWED) for layer in walk(network.layers))
    size = (height, width) if windowless else network.input[:2]
    if request.input:
        network = options.adapted(network, request.input, None)
        size = network.input[:2]
        # Channels that are asked for are not changed in silence.
        channels = network.input[2] if len(options.numbers(request.input, "--input")) == 3 else channels
    if request.start:
        # So are those of a network that is trained already.
        size, channels = network.input[:2], network.input[2]
    classes = request.classes or len(data.facts.classes)
    return adapt(network, (*size, channels), classes)


_WINDOWED = (Conv, PartialConv, Pool, Subsample, AdaptivePool)


def _differences(facts: dict[str, Any]) -> Iterable[str]:
    """What decides the last bits and is not as it was."""
    before, device = facts["device"], runtime.describe()
    for key in ("platform", "kind", "count", "threads", "xla_flags", "compiler_options"):
        if before.get(key) != device[key]:
            yield f"{key} was {before.get(key)!r}, is {device[key]!r}"
    versions = runtime.versions()
    for name in ("jax", "jaxlib", "flax", "optax"):
        if (was := facts["versions"].get(name)) != versions[name]:
            yield f"{name} was {was}, is {versions[name]}"
