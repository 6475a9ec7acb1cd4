"""From the words of a command line to what training needs: a recipe, a network, data and a run folder."""

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli import runtime
from cnncli.commands import opened, options
from cnncli.console import terminal
from cnncli.console.loading import Loading
from cnncli.errors import UsageError
from cnncli.networks import toml
from cnncli.networks.layers import AdaptivePool, Conv, PartialConv, Pool, Subsample
from cnncli.networks.network import Network, adapt, walk
from cnncli.runs.folder import RunFolder

if TYPE_CHECKING:
    from cnncli.data.dataset import Loaded
    from cnncli.data.framing import Framing
    from cnncli.training.recipe import Recipe


@dataclass(frozen=True)
class Source:
    """Where data comes from and where it is computed on, as the command line says."""

    data_dir: Path | None
    device: str | None
    offline: bool
    skip_bad: bool = False


@dataclass(frozen=True)
class Request:
    """A new training as the command line asks for it; None where it leaves the choice to us."""

    network: str | None
    dataset: str | None
    recipe: str | None
    settings: dict[str, Any]
    set: list[str]
    input: str | None
    classes: int | None
    out: Path | None


@dataclass(frozen=True)
class Task:
    """A training that is ready to run; `facts` is what run.json says."""

    recipe: "Recipe"
    network: Network
    data: "Loaded"
    folder: RunFolder
    facts: dict[str, Any]
    resume: bool


def resolved(request: Request, source: Source, validated: bool = False) -> tuple["Recipe", Network, "Loaded"]:
    """Recipe, network and data that go together; `validated`: something must be held out."""
    runtime.configure(source.device)
    runtime.devices()
    from cnncli.training.recipe import on_device

    recipe, network = _chosen(request)
    _check_validation(recipe, validated)
    recipe = on_device(recipe, runtime.devices()[0].platform)
    data = _part(recipe, load(recipe.dataset, "train", source, framing(recipe, network)))
    network = _adapted(network, data, request)
    if recipe.init:
        network = replace(network, init=recipe.init)
    from cnncli.training.session import check

    check(recipe, network, data)
    return recipe, network, data


def new(request: Request, source: Source, validated: bool) -> Task:
    """A training from the beginning, with its run folder made and written."""
    recipe, network, data = resolved(request, source, validated)
    folder = RunFolder.create(network.name, recipe.dataset, request.out)
    facts = {
        "schema": "cnncli.run/1",
        "status": "running",
        "network": network.name,
        "dataset": recipe.dataset,
        "command": shlex.join(["cnncli", *sys.argv[1:]]),
        "seed": recipe.seed,
        "started": now(),
        "data": {**_place(source, data), **data.facts.to_table()},
        "versions": runtime.versions(),
        "device": runtime.describe(),
    }
    folder.write_recipe(recipe.to_table())
    folder.write_network(toml.write(network))
    folder.write_facts(facts)
    return Task(recipe, network, data, folder, facts, resume=False)


def finished(path: Path) -> bool:
    """Whether a run has trained all its epochs."""
    folder = RunFolder.open_run(path)
    facts, epochs = opened.facts(folder), folder.read_recipe().get("epochs")
    trained = facts.get("ended") == "early" or (facts.get("last") or {}).get("epoch") == epochs
    return facts["status"] == "done" and trained and folder.slot("last").is_dir()


def going_on(path: Path, source: Source, validated: bool) -> Task:
    """A run to go on with, on the same kind of device and with as many threads as before."""
    folder = RunFolder.open_run(path)
    facts = opened.facts(folder)
    before = facts["device"]
    runtime.configure(source.device or before["platform"], before["threads"])
    runtime.devices()

    recipe = opened.recipe(folder)
    _check_validation(recipe, validated)
    network = opened.network(folder)
    for difference in _differences(facts):
        terminal.say(f"note: {difference}; the last bits of the result may differ from a run never stopped")
    data_dir = source.data_dir or remembered(facts)
    source = replace(source, data_dir=data_dir)
    data = _part(recipe, load(recipe.dataset, "train", source, framing(recipe, network)))
    return Task(recipe, network, data, folder, facts, resume=True)


def remembered(facts: dict[str, Any]) -> Path | None:
    """The data folder a run was given, if any."""
    folder = facts["data"]["dir"]
    return Path(folder) if folder else None


def load(dataset: str, split: str, source: Source, framed: "Framing") -> "Loaded":
    """Load a split, showing what takes long."""
    from cnncli.data.dataset import load as load_split

    data_dir, offline = source.data_dir, source.offline
    with Loading() as report:
        return load_split(dataset, split, data_dir=data_dir, offline=offline, report=report, framing=framed)


def framing(recipe: "Recipe", network: Network) -> "Framing":
    """How pictures of files reach a network's size."""
    from cnncli.data.framing import Framing

    return Framing(network.input[:2], recipe.resize, recipe.interpolation)


def _place(source: Source, data: "Loaded") -> dict[str, str | None]:
    """Where data was asked for and found, as run.json has it."""
    return {"dir": str(source.data_dir.absolute()) if source.data_dir else None, "read_from": data.where}


def _part(recipe: "Recipe", data: "Loaded") -> "Loaded":
    """The classes and images of a training split that a recipe takes."""
    from cnncli.data import subset

    if recipe.only:
        data = subset.only(data, [name.strip() for name in recipe.only.split(",")])
    return subset.per_class(data, recipe.per_class, recipe.seed) if recipe.per_class else data


def now() -> str:
    """The time, as files have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _chosen(request: Request) -> tuple["Recipe", Network]:
    """The recipe and the network it is for, before the data is known."""
    from cnncli.training import recipes
    from cnncli.training.recipe import changed, setting

    given = options.network(request.network) if request.network else None
    if request.recipe:
        recipe = recipes.find(request.recipe, given.name if given else "", request.dataset or "")
    elif given is None:
        raise UsageError("no network given; expected one, as in cnncli train lenet5 --dataset digits")
    elif request.dataset is None:
        raise UsageError(f"no dataset given; expected --dataset, as in cnncli train {given.name} --dataset digits")
    else:
        recipe = recipes.default(given, request.dataset)
    settings = {**dict(setting(text) for text in request.set), **request.settings}
    if "network" in settings:
        raise UsageError("--set network: a network is given by itself, as in cnncli train lenet5 --dataset digits")
    return changed(recipe, settings, "--set" if request.set else "the recipe"), given or options.network(recipe.network)


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
