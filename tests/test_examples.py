"""Every entry of examples.toml works as it stands there, and says of itself what is so."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from cnncli.commands.app import run
from cnncli.networks import toml
from cnncli.networks.blocks import is_block, is_network
from cnncli.networks.catalogue import find
from cnncli.sizing.size import size
from cnncli.training import published, recipes
from cnncli.training.recipe import read

EXAMPLES = Path(__file__).parents[1] / "examples.toml"
TEXT = EXAMPLES.read_text(encoding="utf-8")
ENTRIES = tomllib.loads(TEXT)
NETWORKS = [name for name, entry in ENTRIES.items() if is_network(entry)]
BLOCKS = [name for name, entry in ENTRIES.items() if is_block(entry)]
RECIPES = [name for name in ENTRIES if name not in (*NETWORKS, *BLOCKS)]
PUBLISHED = [name for name in RECIPES if "source" in ENTRIES[name]]
TRAINED = [name for name in NETWORKS if ENTRIES[name]["input"][2] == 1]
# These compile longest.
LONG = ("lenet", "inception-small", "residual-small")
C = 64


def report(name):
    return size(find(f"{EXAMPLES}:{name}"))


def params(name):
    return report(name).totals.params


def test_there_are_entries_of_each_kind():
    assert len(NETWORKS) >= 12 and len(RECIPES) == 10
    assert TRAINED == ["small", "lenet", "inception-small", "residual-small"]
    assert all(f'block = "{name}"' in TEXT for name in BLOCKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_possible_at_its_input_and_comes_back_equal(name):
    network = find(f"{EXAMPLES}:{name}")
    assert size(network).totals.params > 0
    assert toml.read(toml.write(network), name) == network


@pytest.mark.parametrize("name", [*NETWORKS, *RECIPES])
def test_a_command_to_try_stands_before_each(name):
    comment = TEXT.partition(f"\n[{name}]\n")[0].rpartition("\n\n")[2]
    assert re.search(rf"# cnncli (size|train) .*examples.toml:{name}\b", comment)


def test_three_small_filters_see_what_a_large_one_does_with_fewer_parameters():
    assert params("filters-7x7") == 49 * C**2 + C
    assert params("filters-three-3x3") == 27 * C**2 + 3 * C
    large, small = report("filters-7x7"), report("filters-three-3x3")
    assert large.field == small.field
    assert [field.size for field in large.field] == [7, 7]
    assert large.output == small.output == (32, 32, C)


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("filter-3x3", 9 * C**2),
        ("filters-1x3-3x1", 6 * C**2),
        ("bottleneck", 3.25 * C**2),
        ("filter-depthwise", 9 * C + C**2),
    ],
)
def test_what_stands_for_a_3x3_has_the_parameters_it_says_and_the_same_view(name, counted):
    found, plain = report(name), report("filter-3x3")
    assert found.totals.params == counted
    assert (found.field, found.output) == (plain.field, plain.output)


def test_averaging_first_saves_almost_all_of_a_dense_layer():
    assert params("head-flat") == 7 * 7 * 512 * 4096 == 102_760_448
    assert params("head-averaged") == 512 * 4096


def test_an_inception_module_concatenates_and_its_second_classifier_is_for_training():
    found = report("inception-small")
    assert [row.output for row in found.rows if row.path.endswith("concat1")] == [(8, 8, 56), (4, 4, 56)]
    assert found.totals.params_with_heads - found.totals.params == 56 * 10 + 10


@pytest.mark.parametrize(("name", "repeats"), [("resnet20", (3, 2, 2)), ("resnet56", (9, 8, 8))])
def test_a_resnet_in_blocks_is_the_catalogued_one_in_numbers(name, repeats):
    text = TEXT
    for stage, (before, after) in enumerate(zip((3, 2, 2), repeats, strict=True), 1):
        written = f'name = "stage{stage}-", repeat = '
        assert f"{written}{before} " in text
        text = text.replace(f"{written}{before} ", f"{written}{after} ")
    found, catalogued = size(toml.read(text, "examples.toml", "resnet20")), size(find(name))
    assert found.totals == catalogued.totals
    assert [row.output for row in found.rows] == [row.output for row in catalogued.rows]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LONG else []) for name in TRAINED]
)
def test_a_complete_network_learns_by_the_quick_recipe(name, tmp_path, capsys):
    assert report(name).output == (10,)
    out = tmp_path / "run"
    assert run(["train", f"{EXAMPLES}:{name}", "--recipe", f"{EXAMPLES}:quick", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert run(["eval", str(out), "--require", "0.85"]) == 0


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_recipe_of_a_text_is_the_built_in_one(name):
    built_in = published.RECIPES[ENTRIES[name]["network"]].values()
    network = {"network": ENTRIES[name]["network"]}
    found = recipes.find(f"{EXAMPLES}:{name}", "", "mnist")
    assert found in [
        replace(read({"dataset": "mnist", **table} | network, name), dataset="mnist") for table in built_in
    ]


@pytest.mark.parametrize("name", [name for name in RECIPES if name not in PUBLISHED])
def test_a_recipe_trains(name, tmp_path):
    network = [] if "network" in ENTRIES[name] else [f"{EXAMPLES}:small"]
    command = ["train", *network, "--recipe", f"{EXAMPLES}:{name}", "--epochs", "1", "--out", str(tmp_path / "run")]
    assert run(command) == 0
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 1
