"""One document for programs and one CSV for spreadsheets, with the same integers."""

import csv
import io
import json
from math import prod

import pytest

from cnncli.console.grid import written
from cnncli.console.size_document import document
from cnncli.console.sizing import Sheet
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.network import adapt
from cnncli.sizing.roofline import peak
from cnncli.sizing.size import size
from cnncli.sizing.workload import Workload

# Columns of the CSV, and the keys of a document's row and of its totals.
COUNTS = {"params": "params", "stats": "stats", "macs": "macs", "connections": "connections"}


def read(report, how):
    """The lines of a CSV by column."""
    return list(csv.DictReader(io.StringIO(written(how.grid(report), "csv"))))


def joined(shape):
    return "x".join(map(str, shape))


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("depth", [None, 1, 2])
def test_the_csv_has_the_integers_of_the_document(name, depth):
    report, how = size(find(name)), Sheet(Workload(3, "bfloat16"), columns="all", depth=depth)
    told = json.loads(json.dumps(document(report, how)))
    image, *lines, total = read(report, how)
    assert [line["layer"] for line in lines] == [row["path"] for row in told["rows"]]
    for line, row in zip(lines, told["rows"], strict=True):
        assert {column: int(line[column]) for column in COUNTS} == {key: row[key] for key in COUNTS.values()}
        assert int(line["memory"]) == row["activation_bytes"]
        assert (line["input"], line["output"]) == (joined(row["input"]), joined(row["output"]))
        assert line["window"] == (joined(row["window"]) if row["window"] else "")
        assert int(line["groups"] or 1) == row["groups"]
        seen = sorted(set(row["receptive_field"] or []))
        assert sorted({int(part) for part in line["field"].split(",") if part}) == seen
    assert {column: int(total[column]) for column in COUNTS} == {key: told["totals"][key] for key in COUNTS.values()}
    assert int(image["memory"]) == told["input_bytes"] == prod(told["input"]) * 3 * 2
    main = [row for row in told["rows"] if not row["head"]]
    assert int(total["memory"]) == told["input_bytes"] + sum(row["activation_bytes"] for row in main)
    assert sum(row["params"] for row in main) == told["totals"]["params"]
    if any(row["head"] for row in told["rows"]):
        assert sum(row["params"] for row in told["rows"]) == told["totals"]["params_with_heads"]
        assert sum(row["stats"] for row in told["rows"]) == told["totals"]["stats_with_heads"]


def test_memory_and_operations_of_a_workload():
    told = document(size(find("lenet5")), Sheet(Workload(10, "bfloat16", "adam", 3)))
    values = 32 * 32 + 28 * 28 * 6 + 14 * 14 * 6 + 10 * 10 * 16 + 5 * 5 * 16 + 120 + 84 + 10
    assert told["cost"] == {
        "batch": 10,
        "dtype": "bfloat16",
        "optimizer": "adam",
        "devices": 3,
        "params_bytes": 246_824,
        "stats_bytes": 0,
        "gradients_bytes": 246_824,
        "optimizer_bytes": 493_648,
        "activations_bytes": values * 4 * 2,
        "training_bytes": 4 * 246_824 + values * 8,
        "inference_bytes": 246_824 + (28 * 28 * 6 + 14 * 14 * 6) * 8,
        "forward_flops": 20 * 416_520,
        "training_flops": 60 * 416_520,
    }
    assert told["roofline"] is None
    assert "floor" not in told["rows"][0]


def test_floors_are_there_where_a_device_is():
    limit = peak("1,1", "float32")
    told = document(size(find("lenet5")), Sheet(Workload(), peak=limit))
    floors = [row["floor"]["seconds"] for row in told["rows"] if "floor" in row]
    assert told["roofline"]["seconds"] == pytest.approx(sum(floors))
    assert told["roofline"]["images_per_second"] == pytest.approx(1 / sum(floors))
    assert (told["roofline"]["peak_flops"], told["roofline"]["bytes_per_second"]) == (1e12, 1e9)
    assert told["rows"][0]["floor"] == {
        "flops": 235_200,
        "bytes": (1024 + 4704 + 156) * 4,
        "seconds": pytest.approx((1024 + 4704 + 156) * 4 / 1e9),
        "bound": "memory",
    }


def test_formulas_are_there_where_they_are_asked_for():
    network = adapt(find("lenet5"), (29, 29, 1))
    told = document(size(network), Sheet(Workload(), explain=True))
    assert told["rows"][2]["explain"][0] == {
        "what": "output",
        "formula": "(25 - 2 + 2*0)/2 + 1 = 12.5",
        "note": "12.5 rounded down to 12: 1 pixel dropped",
    }
    assert "explain" not in document(size(network), Sheet(Workload()))["rows"][0]


def test_an_input_that_fits_is_named():
    told = document(size(adapt(find("alexnet"), (224, 224, 3))), Sheet(Workload()))
    assert (told["fits"], told["nearest_input_that_fits"]) == (False, [227, 227])
    told = document(size(find("alexnet")), Sheet(Workload()))
    assert (told["fits"], told["nearest_input_that_fits"]) == (True, [227, 227])
    assert document(size(find("googlenet")), Sheet(Workload()))["nearest_input_that_fits"] is None


def test_where_a_network_was_published():
    told = document(size(find("alexnet")), Sheet(Workload()))
    assert (told["year"], told["top5_error"], told["totals"]["weight_layers"]) == (2012, 0.153, 8)
    assert told["paper"].startswith("Krizhevsky")
    assert document(size(find("linear")), Sheet(Workload()))["top5_error"] is None
