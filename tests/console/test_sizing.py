"""What a sheet shows of a network, and how."""

import re

import pytest

from cnncli.console import terminal
from cnncli.console.sizing import Sheet, heading, notes, sheet, source, text, what
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Branches, Conv, Dense, Flatten, Pool
from cnncli.networks.network import Network, adapt
from cnncli.sizing.roofline import peak
from cnncli.sizing.size import size
from cnncli.sizing.workload import Workload

PLAIN = Sheet(Workload())


def shown(capsys, report, how=PLAIN):
    terminal.result(*sheet(report, how))
    return capsys.readouterr().out


def lines(text):
    """Lines by the word they begin with."""
    return {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}


def test_a_sheet_has_the_input_each_layer_and_the_totals(capsys):
    found = lines(shown(capsys, size(find("lenet5"))))
    assert found["input"] == ["input", "input", "32x32x1", "4.00", "KiB"]
    assert found["c1"] == [
        *("c1", "conv", "5x5", "1", "0", "28x28x6", "156", "0.3%", "117,600", "28.2%", "5", "1", "18.38", "KiB"),
    ]
    assert found["tanh1"] == ["tanh1", "tanh", "28x28x6", "5", "1"]
    assert found["total"] == ["total", "10", "61,706", "416,520", "16", "4", "35.62", "KiB"]
    assert list(found)[:2] == ["lenet5", "as"]


def test_a_heading_says_what_it_is_and_where_it_was_published(capsys):
    terminal.result(heading(find("alexnet")))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "alexnet  227x227x3"
    assert source(find("alexnet")).startswith("Krizhevsky, Sutskever, Hinton: ImageNet")
    assert source(find("alexnet")).endswith("(2012), section 3.5, figure 2")
    terminal.result(heading(Network("n", (2, 3, 1), (Flatten(),))))
    assert capsys.readouterr().out == "n  2x3x1\n"


def test_what_does_not_fit_is_noted_with_what_would():
    assert notes(size(adapt(find("alexnet"), (224, 224, 3))))[0] == (
        "conv1: 54.25 rounded down to 54: 1 pixel dropped; what fits: input 223 or 227, or padding 1 before and 2 "
        "after, or stride 3"
    )
    assert notes(size(adapt(find("alexnet"), (224, 224, 3))))[-1] == "every window fits at input 227x227"
    assert notes(size(find("vgg16"))) == []
    # Nothing fits within reach.
    assert not any("every" in note for note in notes(size(find("googlenet"))))


def test_layers_with_the_same_windows_share_a_note_and_axes_have_their_own():
    pool = Pool("max", 3, 2)
    assert notes(size(Network("n", (6, 8, 1), (Branches(((pool,), (pool,))),)))) == [
        "pool1, pool2: height 2.5 rounded down to 2: 1 pixel dropped; "
        "what fits: input 5 or 7, or padding 0 before and 1 after, or stride 1",
        "pool1, pool2: width 3.5 rounded down to 3: 1 pixel dropped; "
        "what fits: input 7 or 9, or padding 0 before and 1 after, or stride 1",
        "every window fits at input 7x9",
    ]


def test_heads_are_counted_below_the_table(capsys):
    said = shown(capsys, size(find("googlenet")), Sheet(Workload(), depth=1))
    assert "auxiliary heads are not in the totals; with them 13,378,280 parameters\n" in said
    found = lines(said)
    assert found["head4a"][:4] == ["head4a", "group", "head", "1000"]
    assert found["inception3a"][:5] == ["inception3a", "group", "28x28x256", "163,696", "2.3%"]
    assert found["total"][:3] == ["total", "1000", "6,998,552"]
    assert "conv2_reduce" in found
    assert "13,004,888 parameters, 15,072 statistics" in shown(capsys, size(find("googlenet-torchvision")))


def test_formulas_stand_under_their_layer(capsys):
    said = shown(capsys, size(find("alexnet")), Sheet(Workload(), explain=True)).splitlines()
    at = said.index("conv2  conv 5x5 pad 2, 2 groups  27x27x96 -> 27x27x256")
    assert said[at + 1 : at + 4] == [
        "  output           (27 - 5 + 2*2)/1 + 1 = 27",
        "  parameters       (5*5*96/2 + 1) * 256 = 307,456",
        "  MACs             27*27*5*5*96/2*256 = 223,948,800",
    ]
    assert "total  60,965,224 parameters, 0 statistics, 724,406,816 MACs" in said
    said = shown(capsys, size(adapt(find("lenet5"), (29, 29, 1))), Sheet(Workload(), explain=True))
    assert "(25 - 2 + 2*0)/2 + 1 = 12.5  (12.5 rounded down to 12: 1 pixel dropped)\n" in said
    assert "512 -> 1000 (auxiliary head)" not in said


def test_formulas_of_a_folded_group_are_left_to_its_layers(capsys):
    said = shown(capsys, size(find("googlenet")), Sheet(Workload(), depth=1, explain=True)).splitlines()
    at = said.index("inception3a  group  28x28x192 -> 28x28x256")
    assert said[at + 1].startswith("inception3b  group")


def test_a_workload_is_a_block_that_adds_up(capsys):
    load = Workload(128, "bfloat16", "adam", 3)
    said = shown(capsys, size(find("resnet50")), Sheet(load, loaded=True))
    assert "batch 128 in bfloat16, adam, at most 43 images on each of 3 devices\n" in said
    found = {line.split("  ")[0]: line.split("  ", 1)[1].split("  ") for line in said.splitlines() if "  " in line}
    blocks = {name: [cell.strip() for cell in cells if cell.strip()] for name, cells in found.items()}
    assert blocks["parameters"] == ["97.49 MiB", "97.49 MiB"]
    assert blocks["statistics"] == ["207.50 KiB", "207.50 KiB"]
    assert blocks["gradients"] == ["97.49 MiB"]
    assert blocks["adam state"] == ["194.98 MiB"]
    # 43 images of 43.74 MiB in float32.
    assert blocks["activations"][0] == "940.41 MiB"
    sizes = [97.49 * 4, 207.5 / 1024, 940.41]
    training = re.search(r"total +([\d.,]+) GiB +([\d.,]+) MiB\n", said)
    assert float(training[1]) == pytest.approx(sum(sizes) / 1024, abs=0.01)
    assert f"forward {2 * 128 * 4_089_184_256:,} FLOPs, training {6 * 128 * 4_089_184_256:,} FLOPs a batch" in said
    assert "Parameters, gradients and optimizer state are float32" in said.replace("\n", " ")


def test_an_even_split_is_no_at_most(capsys):
    said = shown(capsys, size(find("lenet5")), Sheet(Workload(128, devices=4), loaded=True))
    assert "sgd, 32 images on each of 4 devices\n" in said
    assert " devices" not in shown(capsys, size(find("lenet5")), Sheet(Workload(128), loaded=True))


def test_limits_of_a_device_stand_below(capsys):
    said = shown(capsys, size(find("vgg16")), Sheet(Workload(256, "bfloat16"), peak=peak("h200", "bfloat16")))
    assert "h200: 989.5 TFLOPS in bfloat16, 4800 GB/s  (NVIDIA H200 data sheet, SXM)\n" in said
    layers = re.search(r"forward, layer by layer ([\d.]+) ms a batch: at most ([\d,]+) images a second\n", said)
    assert float(layers[1]) / 1e3 * int(layers[2].replace(",", "")) == pytest.approx(256, rel=0.01)
    fused = re.search(r"all layers fused ([\d.]+) ms: no implementation passes ([\d,]+)\n", said)
    assert float(fused[1]) <= float(layers[1])
    # VGG16 is bound by arithmetic: 2 x 15.47 billion a picture.
    assert int(fused[2].replace(",", "")) == round(989.5e12 / (2 * 15_470_264_320))
    assert lines(said)["conv1_2"][-1] == "compute"


def test_a_layer_in_a_few_words():
    report = size(Network("n", (8, 9, 4), (Conv(4, (3, 5), (1, 2), (1, 0, 0, 0), groups=2), Pool("max", 2, 2))))
    assert [what(row) for row in report.rows] == ["conv 3x5/1,2 pad 1,0,0,0, 2 groups", "max pool 2x2/2"]
    assert [what(row) for row in size(Network("n", (1, 1, 4), (Flatten(), Dense(2)))).rows] == ["flatten", "dense"]


def test_markdown_has_a_heading_notes_and_the_convention():
    said = text(size(adapt(find("alexnet"), (224, 224, 3))), PLAIN, "md").split("\n\n")
    assert said[0].startswith("**alexnet** 224x224x3: as published")
    assert said[1].startswith("Krizhevsky")
    assert said[2].startswith("| layer | kind | window |")
    assert said[3].startswith("- conv1: 54.25 rounded down")
    assert said[-2] == "- every window fits at input 227x227"
    assert said[-1].startswith("_MAC: one multiply-add")


def test_markdown_escapes_what_users_write():
    network = Network("a*b", (3, 3, 1), (Pool("max", 2, 2, name="p*|"),), variant="<b>\nbold", paper="[x]")
    said = text(size(network), PLAIN, "md")
    assert r"**a\*b** 3x3x1: \<b> bold" in said
    assert r"\[x]" in said
    assert r"| p\*\| | max pool |" in said
    assert r"- p\*\|: 1.5 rounded down" in said


def test_csv_and_latex_are_the_table_alone():
    report = size(find("lenet5"))
    assert text(report, PLAIN, "csv").splitlines()[0] == (
        "layer,kind,window,stride,pad,output,params,share,macs,macs-share,field,jump,memory"
    )
    assert text(report, PLAIN, "latex").startswith("\\begin{tabular}{llllllrrrrrrr}\n")
