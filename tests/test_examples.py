"""Every entry of examples.toml works as it stands there."""

import tomllib
from pathlib import Path

import pytest

from cnncli.commands.app import run
from cnncli.networks.catalogue import find
from cnncli.sizing.size import size

EXAMPLES = Path(__file__).parents[1] / "examples.toml"
ENTRIES = tomllib.loads(EXAMPLES.read_text())
NETWORKS = [name for name, entry in ENTRIES.items() if "layers" in entry]
RECIPES = [name for name, entry in ENTRIES.items() if "layers" not in entry]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_sized_and_learns_by_the_quick_recipe(name, tmp_path, capsys):
    assert size(find(f"{EXAMPLES}:{name}")).output == (10,)
    out = tmp_path / "run"
    assert run(["train", f"{EXAMPLES}:{name}", "--recipe", f"{EXAMPLES}:quick", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert run(["eval", str(out), "--require", "0.85"]) == 0


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains(name, tmp_path):
    network = [] if "network" in ENTRIES[name] else [f"{EXAMPLES}:small"]
    command = ["train", *network, "--recipe", f"{EXAMPLES}:{name}", "--epochs", "1", "--out", str(tmp_path / "run")]
    assert run(command) == 0
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 1
