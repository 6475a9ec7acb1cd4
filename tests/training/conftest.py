"""A small training that the tests of this room share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cnncli.data.dataset import Loaded, load
from cnncli.networks.catalogue import find
from cnncli.networks.network import Network, adapt
from cnncli.runs.folder import RunFolder
from cnncli.training.events import Event
from cnncli.training.loop import Limits, fit
from cnncli.training.recipe import Recipe, changed
from cnncli.training.recipes import default


@pytest.fixture(scope="session")
def digits() -> Loaded:
    """The training split of digits."""
    return load("digits", "train")


@pytest.fixture(scope="session")
def mlp() -> Network:
    """The smallest network that learns digits well."""
    return adapt(find("mlp"), (8, 8, 1), 10)


@pytest.fixture(scope="session")
def recipe(mlp: Network) -> Recipe:
    """Three short epochs."""
    return changed(default(mlp, "digits"), {"epochs": 3, "batch_size": 64, "validation": 0.1})


class Training:
    """Runs in folders of their own, as lists of events."""

    def __init__(self, network: Network, data: Loaded, recipe: Recipe, root: Path) -> None:
        self.network, self.data, self.recipe, self.root = network, data, recipe, root

    def folder(self) -> RunFolder:
        return RunFolder.create(self.network.name, "digits", root=self.root)

    def events(
        self, folder: RunFolder, limits: Limits | None = None, resume: bool = False, **settings: object
    ) -> Iterator[Event]:
        """The events of one training into `folder`."""
        recipe = changed(self.recipe, settings)
        return fit(recipe, self.network, self.data, folder, {}, limits, resume)


@pytest.fixture
def training(mlp: Network, digits: Loaded, recipe: Recipe, tmp_path: Path) -> Training:
    """Short trainings of the mlp on digits."""
    return Training(mlp, digits, recipe, tmp_path)
