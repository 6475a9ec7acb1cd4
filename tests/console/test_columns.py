"""The columns of sizes: what each says of a row, and that it adds up to its total."""

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.console.columns import asked, kind, of_layers, of_networks, short, usual
from cnncli.console.grid import said
from cnncli.console.sizing import Sheet
from cnncli.errors import UsageError
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.layers import AuxiliaryHead, Branches, Conv, Dense, Flatten, LocalResponseNorm, Pool
from cnncli.networks.network import Network
from cnncli.sizing.report import Row
from cnncli.sizing.roofline import peak, roofline
from cnncli.sizing.size import size
from cnncli.sizing.workload import Workload, cost
from tests.strategies import networks

SUMS = ("params", "stats", "macs", "connections", "memory")
PLAIN = Workload()


def sums(report, load, depth=None):
    """Whether each column of the main path adds up to its total, the input among the rows."""
    limit = peak("200,1", "float32")
    how = Sheet(load, peak=limit, columns="all", depth=depth)
    grid = how.grid(report)
    columns = {column.key: column for column in grid.columns}
    main = [row for row in grid.things if not row.head]
    for key in SUMS:
        assert sum(columns[key].value(row) for row in main) == columns[key].total, key
    for key, total in (("share", report.totals.params), ("macs-share", report.totals.macs)):
        parts = [part for row in grid.things if (part := columns[key].value(row)) is not None]
        assert not total or sum(parts) == pytest.approx(1)
    floors = [seconds for row in main if (seconds := columns["floor"].value(row)) is not None]
    # Only a network that computes next to nothing takes longer to read than all its layers.
    assert columns["floor"].total == pytest.approx(max(sum(floors), roofline(report, load, limit).fused))
    assert columns["output"].total == columns["output"].value(main[-1])


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("depth", [None, 1, 2])
def test_columns_of_the_catalogue_add_up(name, depth):
    sums(size(find(name)), PLAIN, depth)


@given(networks(3), st.sampled_from([None, 1, 2]), st.integers(1, 40))
def test_columns_add_up(network, depth, batch):
    sums(size(network), Workload(batch, "bfloat16", devices=3), depth)


@pytest.mark.parametrize(
    ("name", "total"), [("vgg16", "58.13 MiB"), ("alexnet", "3.57 MiB"), ("googlenet", "18.29 MiB")]
)
def test_memory_is_the_published_one(name, total):
    column = of_layers(size(find(name)), PLAIN)["memory"]
    assert said(column.total, column.unit) == total


def values(report, path, load=PLAIN, limit=None):
    (row,) = [row for row in report.rows if row.path == path]
    return {key: column.value(row) for key, column in of_layers(report, load, limit).items()}


def test_a_row_of_alexnet():
    found = values(size(find("alexnet")), "conv2", Workload(128, "bfloat16"), peak("h200", "bfloat16"))
    assert found.pop("share") == 307_456 / 60_965_224
    assert found.pop("macs-share") == 223_948_800 / 724_406_816
    seconds = 128 * 2 * 223_948_800 / 989.5e12
    assert found.pop("floor") == pytest.approx(seconds)
    moved = 2 * (128 * (27 * 27 * 96 + 27 * 27 * 256) + 307_456)
    assert found.pop("intensity") == pytest.approx(128 * 2 * 223_948_800 / moved)
    assert found == {
        "layer": "conv2",
        "kind": "conv",
        "head": "",
        "window": "5x5",
        "stride": "1",
        "pad": "2",
        "groups": 2,
        "input": "27x27x96",
        "output": "27x27x256",
        "params": 307_456,
        "stats": 0,
        "macs": 223_948_800,
        "field": 51,
        "jump": 8,
        "memory": 27 * 27 * 256 * 128 * 2,
        "connections": 223_948_800 + 27 * 27 * 256,
        "bound": "compute",
    }


def test_what_is_not_square_says_both():
    report = size(Network("n", (8, 9, 2), (Conv(2, (3, 5), (1, 2), (1, 0, 0, 0)),)))
    found = values(report, "conv1")
    assert (found["window"], found["stride"], found["pad"]) == ("3x5", "1,2", "1,0,0,0")
    assert (found["field"], found["jump"]) == ("3,5", "1,2")
    assert (short((2, 2, 2, 2)), short((1, 1, 0, 0))) == ("2", "1,1,0,0")


def test_heads_have_no_share_in_the_main_path():
    head = AuxiliaryHead((Flatten(), Dense(3)), name="aux")
    report = size(Network("n", (2, 2, 1), (head, Flatten(), Dense(2))))
    found = values(report, "aux/dense1")
    assert (found["params"], found["share"], found["macs-share"], found["kind"]) == (15, None, None, "dense")
    assert of_layers(report, PLAIN)["params"].total == 10


def test_kinds_are_the_fields_words():
    layers = (Conv(2, 1), LocalResponseNorm(), Pool("average", 1, 1), Branches(((), ())))
    report = size(Network("n", (2, 2, 1), layers))
    assert [kind(row) for row in report.rows] == ["conv", "LRN", "average pool", "concat"]
    assert kind(Row("g", "group", "", (1,), (1,), head=True)) == "group"


def test_columns_that_are_usual_have_something_in_them():
    def keys(name, limit=None):
        report = size(find(name))
        return usual(of_layers(report, PLAIN, limit), report.rows)

    assert keys("lenet5") == (
        *("layer", "kind", "window", "stride", "pad", "output", "params", "share", "macs"),
        *("macs-share", "field", "jump", "memory"),
    )
    assert "groups" in keys("alexnet")
    assert "stats" in keys("resnet18")
    assert keys("lenet5", peak("h200", "float32"))[-3:] == ("intensity", "floor", "bound")


def test_columns_are_asked_for_by_key():
    known = of_layers(size(find("lenet5")), PLAIN)
    assert asked("macs, Layer,params,macs", known) == ("macs", "layer", "params")
    assert asked("all", known) == tuple(known)
    assert not {"floor", "bound", "intensity"} & set(known)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parms", "--columns: no column 'parms'; did you mean 'params' or 'pad'?"),
        (
            "layer,xyzzy",
            "--columns: no column 'xyzzy'; known: layer, kind, head, window, stride, pad, groups, input, output",
        ),
        ("", "--columns: no column ''; known: layer"),
        ("floor", "--columns: 'floor' needs a device; add --roofline"),
    ],
)
def test_columns_that_are_not_there_are_refused(text, message):
    with pytest.raises(UsageError) as error:
        asked(text, of_layers(size(find("lenet5")), PLAIN))
    assert str(error.value).startswith(message)


def test_a_network_beside_others():
    report, load = size(find("alexnet")), Workload(128, "bfloat16", "adam", 2)
    limit = peak("h200", "bfloat16")
    found = {key: column.value(report) for key, column in of_networks(load, limit).items()}
    spent = cost(report, load)
    memory = (prod((227, 227, 3)) + sum(row.activations for row in report.rows)) * 64 * 2
    floor = found.pop("floor")
    assert floor == roofline(report, load, limit).seconds
    assert found.pop("images-per-second") == round(128 / floor)
    assert found == {
        "network": "alexnet",
        "year": 2012,
        "layers": 8,
        "input": "227x227x3",
        "output": "1000",
        "params": 60_965_224,
        "stats": 0,
        "macs": 724_406_816,
        "field": 195,
        "jump": 32,
        "memory": memory,
        "training": spent.training,
        "inference": spent.inference,
        "top5-error": 0.153,
        "unfit": 0,
        "variant": report.network.variant,
    }
    assert "floor" not in of_networks(load)
