"""Networks beside each other, and two of them row against row."""

import csv
import io

import pytest

from cnncli.console import terminal
from cnncli.console.comparison import against, beside, difference, difference_document, documents, grid, text
from cnncli.console.grid import written
from cnncli.console.sizing import Sheet
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.network import adapt
from cnncli.sizing.roofline import peak
from cnncli.sizing.size import size
from cnncli.sizing.workload import Workload, cost

PLAIN = Sheet(Workload())


def reports(*names):
    return [size(find(name)) for name in names]


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def keys(found):
    return [column.key for column in found.columns]


def test_the_catalogue_beside_itself_has_each_networks_totals():
    found = reports(*CATALOGUE)
    for line, report in zip(read(text(found, PLAIN, "csv")), found, strict=True):
        assert line["network"] == report.network.name
        assert (int(line["params"]), int(line["macs"])) == (report.totals.params, report.totals.macs)
        assert int(line["stats"]) == report.totals.stats
        assert int(line["layers"]) == report.weight_layers


def test_columns_with_nothing_in_them_are_left_out():
    assert keys(grid(reports("alexnet", "vgg16"), PLAIN)) == [
        *("network", "year", "layers", "input", "params", "macs", "field", "jump", "memory", "top5-error"),
    ]
    assert keys(grid(reports("resnet50", "mlp"), PLAIN))[-2:] == ["memory", "unfit"]
    assert "stats" in keys(grid(reports("resnet50", "mlp"), PLAIN))


def test_a_workload_and_a_device_have_their_columns():
    load = Workload(128, "bfloat16", "adam")
    how = Sheet(load, loaded=True, peak=peak("h200", "bfloat16"))
    found = reports("alexnet", "vgg16")
    assert keys(grid(found, how))[-4:] == ["training", "inference", "floor", "images-per-second"]
    line = read(text(found, how, "csv"))[1]
    assert int(line["training"]) == cost(found[1], load).training
    assert int(line["images-per-second"]) == round(128 / float(line["floor"]))


def test_columns_may_be_asked_for(capsys):
    how = Sheet(Workload(), columns="params,network")
    assert text(reports("lenet5", "mlp"), how, "csv").splitlines() == ["params,network", "61706,lenet5", "101770,mlp"]
    terminal.result(*beside(reports("lenet5", "mlp"), how))
    assert capsys.readouterr().out.splitlines()[:3] == [" params  network", " 61,706  lenet5", "101,770  mlp"]


def test_beside_each_other_they_say_what_was_counted(capsys):
    how = Sheet(Workload(2), loaded=True, peak=peak("h200", "float32"))
    terminal.result(*beside(reports("lenet5", "mlp"), how))
    said = capsys.readouterr().out
    assert "\nh200: 67 TFLOPS in float32, 4800 GB/s  (NVIDIA H200 data sheet, SXM)\nMAC: one" in said
    assert "\nParameters, gradients and optimizer state" in said
    assert "\nFloor: the longer of" in said


def test_documents_are_each_networks_own():
    told = documents(reports("lenet5", "mlp"), PLAIN)
    assert told["schema"] == "cnncli.sizes/1"
    assert [(one["schema"], one["network"]) for one in told["networks"]] == [
        *(("cnncli.size/1", "lenet5"), ("cnncli.size/1", "mlp")),
    ]


def lines(left, right, how=PLAIN):
    return read(written(difference(left, right, how), "csv"))


def test_rows_stand_against_each_other_and_differing_ones_are_marked():
    found = lines(*reports("alexnet", "alexnet-torchvision"))
    assert found[0] == {
        "layer": "conv1",
        "differs": "*",
        "left-layer": "conv 11x11/4",
        "left-output": "55x55x96",
        "left-params": "34944",
        "left-macs": "105415200",
        "right-layer": "conv 11x11/4 pad 2",
        "right-output": "55x55x64",
        "right-params": "23296",
        "right-macs": "70276800",
    }
    by_layer = {line["layer"]: line for line in found}
    assert by_layer["norm1"]["right-layer"] == by_layer["norm1"]["right-params"] == ""
    assert by_layer["adaptive-pool1"]["left-layer"] == by_layer["adaptive-pool1"]["left-params"] == ""
    assert by_layer["fc7"]["differs"] == ""
    assert found[-1] == {
        "layer": "total",
        "differs": "",
        "left-layer": "",
        "right-layer": "",
        "left-output": "1000",
        "left-params": "60965224",
        "left-macs": "724406816",
        "right-output": "1000",
        "right-params": "61100840",
        "right-macs": "714188480",
    }


@pytest.mark.parametrize(
    "pair", [("vgg16", "vgg16-bn"), ("googlenet", "googlenet-torchvision"), ("resnet20", "plain20")]
)
@pytest.mark.parametrize("depth", [None, 1])
def test_both_sides_add_up(pair, depth):
    left, right = reports(*pair)
    *found, total = lines(left, right, Sheet(Workload(), depth=depth))
    for side, report in (("left", left), ("right", right)):
        heads = report.totals.params_with_heads - report.totals.params
        assert sum(int(line[f"{side}-params"] or 0) for line in found) == int(total[f"{side}-params"]) + heads


def test_a_network_against_itself_is_told_apart_by_its_inputs(capsys):
    small, large = size(find("vgg16")), size(adapt(find("vgg16"), (256, 256, 3)))
    headers = [column.header for column in difference(small, large, PLAIN).columns]
    assert headers == ["layer", "224x224x3", "output", "params", "MACs", "", "256x256x3", "output", "params", "MACs"]
    terminal.result(*against(small, small, PLAIN))
    assert "0 of 39 rows differ (*); parameters +0, MACs +0\n" in capsys.readouterr().out


def test_differences_of_the_totals_are_said(capsys):
    terminal.result(*against(*reports("alexnet", "alexnet-torchvision"), PLAIN))
    assert "15 of 25 rows differ (*); parameters +135,616, MACs -10,218,336\n" in capsys.readouterr().out


def test_a_document_of_a_difference_has_both_networks_and_the_pairs():
    told = difference_document(*reports("alexnet", "alexnet-torchvision"), PLAIN)
    assert told["schema"] == "cnncli.diff/1"
    assert [one["network"] for one in told["networks"]] == ["alexnet", "alexnet-torchvision"]
    assert told["rows"][0] == {"left": "conv1", "right": "conv1", "same": False}
    assert {"left": None, "right": "adaptive-pool1", "same": False} in told["rows"]
    paths = [[row["path"] for row in one["rows"]] for one in told["networks"]]
    assert [[pair[side] for pair in told["rows"] if pair[side]] for side in ("left", "right")] == paths
