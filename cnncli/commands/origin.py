"""What a training starts from: another run, or a file of weights; with the way in which images reach its network."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncli.commands import opened
from cnncli.errors import DataError, UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.network import Network
from cnncli.runs.folder import RunFolder

if TYPE_CHECKING:
    from cnncli.data.dataset import Loaded
    from cnncli.data.facts import Facts
    from cnncli.models.model import Arrays
    from cnncli.training.recipe import Recipe
    from cnncli.training.start import Start

# What decides how images reach a network, beside its input size: as the source has it, unless the user sets it.
PREPROCESSING = ("scaling", "fit", "resize", "interpolation")


@dataclass(frozen=True)
class Origin:
    """A network that is trained already: `settings` are the recipe's that go along with it.

    `known` are the images that it was trained on, `scale` how they were scaled; `spare` are layers that a network which
    starts from it need not have; `about` is what run.json says of it, `remarks` what people should hear.
    """

    network: Network
    known: "Facts"
    settings: dict[str, Any]
    params: "Arrays"
    stats: "Arrays"
    scale: Any
    spare: frozenset[str]
    about: dict[str, Any]
    remarks: tuple[str, ...] = ()

    @property
    def numbered(self) -> bool:
        """Whether its classes are not known by name: those of a file of weights are numbers where it says nothing."""
        return self.known.name == opened.IMPORTED and all(name.isdecimal() for name in self.known.classes)

    def settings_at(self, height: int) -> dict[str, Any]:
        """The settings for a network of another input size: pictures in proportion to it."""
        resize = round(self.settings["resize"] * height / self.network.input[0])
        return {**self.settings, "resize": resize}

    def start(self, network: Network, recipe: "Recipe", data: "Loaded") -> tuple["Start", "Loaded"]:
        """The arrays of a network for some data, and the data with the source's mean and deviation.

        Raises DataError, naming layers, for what does not match.
        """
        from cnncli.training.start import start

        others = set(data.facts.classes) != set(self.known.classes) and not self.numbered
        if recipe.scaling != self.settings["scaling"]:
            return start(network, self.params, self.stats, None, self.spare, others), data
        facts = replace(data.facts, mean=self.known.mean, deviation=self.known.deviation)
        scale, (height, width, _) = self.scale, facts.shape
        if scale["shift"].ndim == 3 and scale["shift"].shape != facts.shape:
            from cnncli.data.inputs import Fit

            # A mean image is as large as the images are.
            scale = {**scale, "shift": Fit("resize", (height, width))(scale["shift"][None])[0]}
        return start(network, self.params, self.stats, scale, self.spare, others), replace(data, facts=facts)

    def notes(self, start: "Start", network: Network, classes: tuple[str, ...]) -> Iterator[str]:
        """What people should hear of it: what is new, and what is not although they might expect it."""
        count, before = len(classes), self.known.classes
        if start.new:
            said = "head {} is" if len(start.new) == 1 else "heads {} are"
            told = f"{len(before)} -> {count} classes" if len(before) != count else f"it told {_some(before)}"
            yield f"{said.format(' and '.join(start.new))} new: {told}"
        elif classes != before:
            yield f"the head is taken along: it told as many classes, {_some(before)}, as {_some(classes)} are"
        yield from self.remarks


def origin(path: Path, network: Network | None) -> Origin:
    """The run in a folder, or the weights in a file for a network, which is needed where it says none."""
    if path.is_dir():
        return _run(path)
    if not path.exists():
        raise DataError(f"--from {path}: there is no such run or file")
    return _weights(path, network or _said(path))


def _run(path: Path) -> Origin:
    from cnncli.training.freezing import inside_heads

    folder = RunFolder.open_run(path)
    slot, recipe, known = opened.slot_of(folder, None), opened.recipe(folder), opened.known(folder)
    trained, network = opened.trained(folder, slot, known), opened.network(folder)
    settings = {key: getattr(recipe, key) for key in PREPROCESSING} | {"fit": recipe.fit or known.fit}
    about = {"run": str(path.absolute()), "network": network.name, "checkpoint": slot, "step": trained.step}
    arrays = trained.params, trained.stats, trained.scale
    return Origin(network, known, settings, *arrays, frozenset(inside_heads(network)), about | _digest(arrays))


def _digest(arrays: Any) -> dict[str, str]:
    """One SHA-256 for all arrays of trees, by the digests of each."""
    from cnncli.runs.digests import digests

    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests(arrays).items()))
    return {"sha256": sha256(lines.encode()).hexdigest()}


def _said(path: Path) -> Network:
    """The network that a file of weights says it is of."""
    from cnncli.weights import exported, files

    if not (name := exported.network(files.about(path))):
        raise UsageError(f"--from {path}: a file of weights needs its network: cnncli train NETWORK --from {path}")
    return find(name)


def _weights(path: Path, network: Network) -> Origin:
    """As `weights import` reads a file, when nothing is said of it but its network."""
    import numpy as np

    from cnncli.commands import importing
    from cnncli.data.inputs import scale_for
    from cnncli.runs.digests import listed
    from cnncli.sizing.size import size
    from cnncli.weights import exported

    source = importing.read(path)
    # Its own size, as a run's; another that is asked for comes behind it.
    network = importing.sized(network, source)
    try:
        net, found = importing.fitted(source.tensors, network, None)
    except DataError as error:
        raise DataError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    how = importing.preprocessing(net, importing.Wanted(None, None, None, None, False), source)
    known = importing.facts_of(net, importing.class_names(None, size(net).output[-1], source), how, source)
    settings = {"scaling": "standard", "resize": how.resize, "interpolation": how.interpolation}
    settings["fit"] = exported.settings(source.about).get("fit", known.fit)
    scale = scale_for("standard", known, np.zeros((1, *net.input), np.uint8))
    about = {"file": str(path.absolute()), "network": net.name, "sha256": source.sha256}
    framed = f"resize {how.resize}, mean {_numbers(how.mean)}, deviation {_numbers(how.deviation)}"
    remarks = []
    if source.known is None and exported.preprocessing(source.about, net.input[2]) is None:
        remarks = [f"{path} says nothing of its images' preprocessing: {framed} (cnncli weights import takes others)"]
    if found.leftover:
        remarks.append(f"of {path} nothing takes {listed(list(found.leftover))}")
    return Origin(net, known, settings, found.params, found.stats, scale, frozenset(), about, tuple(remarks))


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _some(classes: tuple[str, ...]) -> str:
    return ", ".join(classes[:3]) + ", ..." * (len(classes) > 3)
