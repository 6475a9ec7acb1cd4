import csv
import io
import json
import re

import pytest

from cnncli.networks import toml
from cnncli.networks.catalogue import CATALOGUE, find
from tests.commands.conftest import at_terminal

# What Markdown and LaTeX would read as more than letters.
HOSTILE = r"a_b%$#&{}~^\|"
FORMATS = ("table", "json", "csv", "md", "latex")


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def by_layer(text):
    """Lines by their first word."""
    return {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}


def test_lenet5_has_the_published_totals(cli):
    answer = cli("size", "lenet5", "--json")
    assert answer.code == 0
    assert answer.json["schema"] == "cnncli.size/1"
    totals = {"params": 61706, "stats": 0, "macs": 416520, "connections": 423038, "weight_layers": 5}
    assert answer.json["totals"] == totals
    assert answer.json["output"] == [10]


def test_rows_add_up_to_the_totals(cli):
    rows, totals = (cli("size", "lenet5", "--json").json[key] for key in ("rows", "totals"))
    assert sum(row["params"] for row in rows) == totals["params"]
    assert sum(row["macs"] for row in rows) == totals["macs"]


def test_text_and_json_say_the_same_numbers(cli):
    lines = by_layer(cli("size", "lenet5").out)
    document = cli("size", "lenet5", "--json").json
    for row in document["rows"]:
        said = lines[row["path"]]
        assert "x".join(map(str, row["output"])) in said
        assert not row["params"] or f"{row['params']:,}" in said
        assert not row["macs"] or f"{row['macs']:,}" in said
    assert lines["total"] == ["total", "10", "61,706", "416,520", "16", "4", "35.62", "KiB"]
    assert lines["input"] == ["input", "input", "32x32x1", "4.00", "KiB"]


def test_lines_have_no_blanks_at_their_ends_and_no_colours(cli):
    for words in (("lenet5",), ("lenet5", "vgg16"), ("lenet5", "mlp", "--diff"), ("resnet18", "--batch", 2)):
        out = cli("size", *words).out
        assert all(line == line.rstrip() for line in out.splitlines())
        assert "\x1b" not in out


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_has_every_layer_and_its_parameters(cli, format):
    answer = cli("size", "resnet18", "--format", format)
    assert answer.code == 0
    # Where the format has no place for what does not fit, it is said beside.
    assert answer.err.count("\n") == (9 if format in ("csv", "latex") else 0)
    rows = cli("size", "resnet18", "--json").json["rows"]
    for row in rows:
        name = row["path"].replace("_", "\\_") if format == "latex" else row["path"]
        params = row["params"] if format in ("json", "csv") else f"{row['params']:,}"
        (line, *_) = [line for line in answer.out.splitlines() if name in re.split(r'[ "|,&]+', line)]
        assert format == "json" or not row["params"] or str(params) in line
    assert format != "json" or answer.out == cli("size", "resnet18", "--json").out


def test_csv_is_what_the_document_says(cli):
    image, *lines, total = read(cli("size", "googlenet", "--format", "csv").out)
    document = cli("size", "googlenet", "--json").json
    assert [(line["layer"], int(line["params"]), int(line["macs"]), int(line["memory"])) for line in lines] == [
        (row["path"], row["params"], row["macs"], row["activation_bytes"]) for row in document["rows"]
    ]
    assert (int(total["params"]), int(total["macs"])) == (6_998_552, 1_582_671_872)
    assert int(image["memory"]) == document["input_bytes"]


def test_columns_are_those_asked_for_in_their_order(cli):
    out = cli("size", "lenet5", "--columns", "macs,layer,connections").out
    assert by_layer(out)["117,600"] == ["117,600", "c1", "122,304"]
    assert "416,520" in by_layer(out)
    assert cli("size", "lenet5", "--columns", "params", "--format", "csv").out.split()[-1] == "61706"
    every = read(cli("size", "alexnet", "--columns", "all", "--format", "csv").out)
    assert set(every[0]) > {"layer", "groups", "input", "connections", "stats"}
    assert [line["groups"] for line in every if line["layer"] in ("conv1", "conv2")] == ["", "2"]


def test_depth_folds_groups(cli):
    lines = by_layer(cli("size", "googlenet", "--depth", 1).out)
    assert lines["inception3a"][:5] == ["inception3a", "group", "28x28x256", "163,696", "2.3%"]
    rows = {row["path"]: row for row in cli("size", "googlenet", "--depth", 1, "--json").json["rows"]}
    assert (rows["inception3a"]["output"], rows["inception3a"]["params"]) == ([28, 28, 256], 163_696)
    assert (rows["inception3a"]["layer"], rows["inception3a"]["window"]) == ("group", None)


def test_formulas_are_explained_in_text_and_in_the_document(cli):
    out = cli("size", "alexnet", "--explain").out
    assert "conv1  conv 11x11/4  227x227x3 -> 55x55x96\n  output           (227 - 11 + 2*0)/4 + 1 = 55\n" in out
    first = cli("size", "alexnet", "--explain", "--json").json["rows"][0]["explain"]
    assert {"what": "parameters", "formula": "(11*11*3 + 1) * 96 = 34,944", "note": None} in first


def test_networks_and_inputs_stand_beside_each_other(cli):
    lines = cli("size", "alexnet", "vgg16", "--input", "227,256").out.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["network", "alexnet", "alexnet", "vgg16", "vgg16"]
    assert [line.split()[3] for line in lines[1:5]] == ["227x227x3", "256x256x3"] * 2
    document = cli("size", "lenet5", "--input", "32,28x28x3", "--json").json
    assert document["schema"] == "cnncli.sizes/1"
    assert [one["input"] for one in document["networks"]] == [[32, 32, 1], [28, 28, 3]]
    table = read(cli("size", "lenet5", "mlp", "--columns", "network,params,training", "--format", "csv").out)
    assert [(line["network"], line["params"]) for line in table] == [("lenet5", "61706"), ("mlp", "101770")]


def test_two_networks_are_laid_row_against_row(cli):
    lines = by_layer(cli("size", "alexnet", "alexnet-torchvision", "--diff").out)
    assert lines["norm1"] == ["norm1", "LRN", "55x55x96", "*"]
    assert lines["fc8"].count("4,097,000") == 2
    document = cli("size", "alexnet", "alexnet-torchvision", "--diff", "--json").json
    assert document["schema"] == "cnncli.diff/1"
    assert len(document["networks"]) == 2
    sizes = read(cli("size", "vgg16", "--input", "224,256", "--diff", "--format", "csv").out)
    assert (sizes[0]["left-output"], sizes[0]["right-output"]) == ("224x224x64", "256x256x64")
    assert "inception3a" in cli("size", "googlenet", "googlenet-torchvision", "--diff", "--depth", 1).out
    for format in ("md", "latex"):
        assert "34,944" in cli("size", "alexnet", "mlp", "--diff", "--format", format).out


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_network_written_as_toml_reads_back_the_same(cli, name):
    answer = cli("size", name, "--as", "toml")
    assert (answer.code, answer.err) == (0, "")
    assert toml.read(answer.out, "out") == find(name)


def test_networks_written_as_toml_are_one_file(cli, tmp_path):
    text = cli("size", "lenet5", "mlp", "--input", "28", "--as", "toml").out
    (tmp_path / "both.toml").write_text(text)
    assert cli("size", "both.toml:mlp", "--json").json["totals"]["params"] == 101_770
    assert cli("size", "both.toml:lenet5", "--json").json["input"] == [28, 28, 1]


def test_memory_of_a_batch_is_a_block_of_its_own(cli):
    words = ("alexnet", "--batch", 128, "--dtype", "bfloat16", "--optimizer", "adam", "--devices", 2)
    lines = cli("size", *words).out.splitlines()
    at = lines.index("batch 128 in bfloat16, adam, 64 images on each of 2 devices")
    assert [re.split(r"  +", line) for line in lines[at + 1 : at + 3]] == [
        ["memory", "training", "inference"],
        ["parameters", "232.56 MiB", "232.56 MiB"],
    ]
    assert by_layer("\n".join(lines))["conv1"][-2:] == ["35.45", "MiB"]
    cost = cli("size", *words, "--json").json["cost"]
    assert (cost["optimizer_bytes"], cost["activations_bytes"]) == (2 * 4 * 60_965_224, 64 * 2 * 936_323)
    assert "batch" not in by_layer(cli("size", "alexnet").out)


def test_floors_on_a_device(cli):
    out = cli("size", "alexnet", "--roofline", "h200", "--batch", 256, "--dtype", "bfloat16").out
    assert "h200: 989.5 TFLOPS in bfloat16, 4800 GB/s  (NVIDIA H200 data sheet, SXM)\n" in out
    assert by_layer(out)["conv2"][-1] == "compute"
    # Its input is read and its output written at 4800 GB/s.
    assert by_layer(out)["pool1"][-3:] == [f"{256 * 2 * (55 * 55 + 27 * 27) * 96 / 4800e3:.3g}", "us", "memory"]
    found = cli("size", "alexnet", "--roofline", "1.5,200", "--json").json["roofline"]
    assert (found["peak_flops"], found["bytes_per_second"], found["source"]) == (1.5e12, 200e9, None)
    assert found["fused_seconds"] <= found["seconds"]
    beside = cli("size", "alexnet", "vgg16", "--roofline", "h200").out
    assert beside.splitlines()[0].endswith("floor  images/s")


def test_a_run_is_shown_in_every_way(cli, trained):
    assert read(cli("size", trained, "--format", "csv").out)[-1]["params"] == "9610"
    assert toml.read(cli("size", trained, "--as", "toml").out, "out").input == (8, 8, 1)
    assert cli("size", trained, "mlp", "--diff").code == 0


def test_names_of_layers_are_letters_whatever_they_are(cli, tmp_path):
    layers = f'[{{ layer = "flatten" }}, {{ layer = "dense", features = 3, name = {json.dumps(HOSTILE)} }}]'
    (tmp_path / "net.toml").write_text(f"[tiny]\ninput = [2, 2, 1]\nlayers = {layers}\n")
    said = {format: cli("size", "net.toml", "--format", format).out for format in FORMATS}
    assert HOSTILE in by_layer(said["table"])
    assert json.loads(said["json"])["rows"][1]["path"] == HOSTILE
    assert read(said["csv"])[2]["layer"] == HOSTILE
    (line,) = [line for line in said["md"].splitlines() if line.startswith("| a")]
    assert re.sub(r"\\(.)", r"\1", line[2 : line.index(" | dense")]) == HOSTILE
    (line,) = [line for line in said["latex"].splitlines() if line.startswith("a")]
    escaped = r"a\_b\%\$\#\&\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}\textbar{}"
    assert line.split(" & ")[:2] == [escaped, "dense"]


# Columns that a narrow terminal goes without.
LEFT_OUT = ["groups", "share", "macs-share", "jump", "memory"]


def unstyled(shown):
    """What a terminal shows, without bold and dim."""
    return re.sub(r"\x1b\[[\d;]*m", "", shown)


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_terminal_has_as_many_columns_as_fit_and_no_number_is_cut(cli, columns):
    shown = at_terminal(columns, "size", "alexnet", "--batch", 4)
    assert shown.code == 0
    out = unstyled(shown.out)
    lines = by_layer(out)
    for row in cli("size", "alexnet", "--json").json["rows"]:
        said = lines[row["path"]]
        assert not row["params"] or f"{row['params']:,}" in said
        assert not row["macs"] or f"{row['macs']:,}" in said
        assert "x".join(map(str, row["output"])) in said
    (header,) = [line.split() for line in out.splitlines() if line.startswith("layer ")]
    hidden = re.search(r"left out for want of room: ((?:[\w-]+,\s)*[\w-]+)\n", out)
    also = ["window", "stride", "pad"] if columns == 40 else []
    left_out = sorted(LEFT_OUT + also) if columns < 120 else []
    assert sorted(hidden[1].replace("\n", " ").split(", ") if hidden else []) == left_out
    assert ("memory" in header, "jump" in header) == (columns > 120, columns > 120)
    # Narrower than what cannot be missed, its lines are left to the terminal.
    assert max(map(len, out.splitlines())) <= max(columns, 57)


@pytest.mark.parametrize("columns", [40, 80])
def test_networks_beside_each_other_at_a_terminal(columns):
    shown = at_terminal(columns, "size", "alexnet", "vgg16")
    assert shown.code == 0
    lines = by_layer(unstyled(shown.out))
    assert {"60,965,224", "724,406,816"} <= set(lines["alexnet"])
    assert {"138,357,544", "15,470,264,320"} <= set(lines["vgg16"])
    assert "left out for want of room" in shown.out


def test_colours_are_for_terminals_that_want_them():
    words = ("size", "lenet5", "--input", 29)
    plain, colour = at_terminal(80, *words, NO_COLOR="1").out, at_terminal(80, *words).out
    assert unstyled(plain) == unstyled(colour)
    assert set(re.findall(r"\x1b\[([\d;]+)m", plain)) == {"0", "1", "2"}
    assert "\x1b[33ms2: 12.5 rounded down" in colour


def test_input_and_classes_are_adapted(cli):
    document = cli("size", "lenet5", "--input", "28x28x3", "--classes", 4, "--json").json
    assert (document["input"], document["output"]) == ([28, 28, 3], [4])
    assert document["rows"][0]["params"] == (5 * 5 * 3 + 1) * 6


def test_a_run_is_sized_as_it_was_trained(cli, trained):
    document = cli("size", trained, "--json").json
    assert (document["input"], document["totals"]["params"]) == ([8, 8, 1], 65 * 128 + 129 * 10)


def test_a_file_with_a_network_is_sized(cli, tmp_path):
    layers = '[{ layer = "flatten" }, { layer = "dense", features = 3 }]'
    (tmp_path / "net.toml").write_text(f"[tiny]\ninput = [2, 2, 1]\nlayers = {layers}\n")
    assert cli("size", "net.toml", "--json").json["totals"]["params"] == 15
    assert cli("size", "net.toml:tiny", "--json").json["network"] == "tiny"
    assert cli("size", "net.toml:tini").code == 2


def test_what_does_not_fit_is_noted_and_only_strict_minds(cli):
    lenient, strict = cli("size", "lenet5", "--input", 29), cli("size", "lenet5", "--input", 29, "--strict")
    assert "s2: 12.5 rounded down to 12: 1 pixel dropped" in lenient.out
    assert (lenient.code, strict.code, lenient.out) == (0, 1, strict.out)
    assert strict.err.startswith("error: --strict: the windows of 1 layer do not fit their input: s2")
    assert strict.err.endswith("; every window fits at --input 28x28\n")
    assert cli("size", "lenet5", "--strict").code == 0


def test_strict_names_the_input_that_fits_of_one_network(cli):
    assert "; every window fits at --input 227x227" in cli("size", "alexnet", "--input", 224, "--strict").err
    assert "every window" not in cli("size", "googlenet", "--strict").err
    both = cli("size", "alexnet", "vgg16", "--input", 224, "--strict")
    assert both.code == 1
    assert both.err.endswith("alexnet@224x224x3 pool2, alexnet@224x224x3 pool5\n")
    assert cli("size", "vgg16", "--strict", "--json").code == 0


def test_an_input_that_is_too_small_is_told_what_would_do(cli):
    answer = cli("size", "vgg16", "--input", 31)
    assert answer.code == 2
    assert answer.err.endswith("; the smallest square input that vgg16 accepts is 32x32\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lenet6", "unknown network 'lenet6'; did you mean 'lenet5'"),
        ("--input 32 --filter 3 --classes 2", "--classes belongs to a network"),
        ("lenet5 --input 5", "pool 's2'"),
        ("lenet5 --classes 0", "--classes is '0'; expected greater than or equal to 1"),
        ("lenet5 --classes x", "--classes is 'x'; expected a valid integer"),
        ("lenet5 --format yaml", "--format is 'yaml'"),
        ("lenet5 --format cvs", "--format is 'cvs'; did you mean 'csv'?"),
        ("lenet5 --format csv --json", "--json and --format csv are two formats; leave out one of them"),
        ("lenet5 --columns parms", "--columns: no column 'parms'; did you mean 'params'"),
        ("lenet5 mlp --columns window", "--columns: no column 'window'"),
        ("lenet5 --columns floor", "--columns: 'floor' needs a device; add --roofline"),
        ("lenet5 --columns=", "--columns: no column ''; known: layer, "),
        ("lenet5 --depth 0", "--depth is '0'"),
        ("lenet5 mlp --depth 1", "--depth folds the layers of one network"),
        ("lenet5 --batch 0", "--batch is '0'"),
        ("lenet5 --batch 99999999999", "--batch is 99999999999; expected a whole number below 2^31"),
        ("lenet5 --dtype float8", "--dtype is 'float8'; expected one of float32, bfloat16, float16"),
        ("lenet5 --dtype=", "--dtype is ''; expected one of"),
        ("lenet5 --optimizer adm", "--optimizer is 'adm'; expected one of sgd, adam"),
        ("lenet5 --devices 0", "--devices is '0'"),
        ("lenet5 --roofline h20", "--roofline is 'h20'; expected TFLOPS,GB_PER_S"),
        ("lenet5 --roofline 0,100", "expected a peak and a bandwidth above 0"),
        ("lenet5 --roofline tpu-v4", "no published peak for float32; use --dtype bfloat16"),
        ("lenet5 --roofline=", "--roofline is ''"),
        ("lenet5 --input=", "--input is ''; expected whole numbers"),
        ("lenet5 --input 32,", "--input is ''; expected whole numbers"),
        ("lenet5 --input 0", "input is (0, 0, 1); expected height, width, channels, each at least 1"),
        ("lenet5 --as yaml", "--as is 'yaml'; expected toml"),
        ("lenet5 --as toml --input 32,33", "--as toml: two networks are called 'lenet5'"),
        ("lenet5 --as toml --json", "--as and --format json do not go together"),
        ("lenet5 --as toml --explain", "--as and --explain do not go together"),
        ("lenet5 --as toml --batch 2", "--as and --batch do not go together"),
        ("lenet5 --explain --columns params", "--explain and --columns do not go together"),
        ("lenet5 --explain --format csv", "--explain explains one network, as text or --json"),
        ("lenet5 mlp --explain", "--explain explains one network, as text or --json"),
        ("lenet5 --diff", "--diff lays two networks row against row; 1 given"),
        ("lenet5 mlp linear --diff", "--diff lays two networks row against row; 3 given"),
        ("lenet5 mlp --diff --columns params", "--diff and --columns do not go together"),
        ("lenet5 mlp --diff --explain", "--diff and --explain do not go together"),
        ("lenet5 mlp --diff --roofline h200", "--diff and --roofline do not go together"),
        ("lenet5 mlp --diff --batch 2", "--diff and --batch do not go together"),
        ("lenet5 --filter 3", "belongs to the calculator, which takes no network; leave out one of them"),
        ("--input 32 --filter 3 --diff", "--diff belongs to a network; the calculator takes none"),
        ("--input 32 --filter 3 --batch 2", "--batch belongs to a network; the calculator takes none"),
        ("--input 32 --filter 3 --format csv", "--format csv belongs to a network"),
    ],
)
def test_a_mistake_costs_one_line(cli, words, said):
    answer = cli("size", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_a_file_that_is_not_there_is_missing_data(cli):
    assert cli("size", "absent.toml").code == 3
    assert cli("size", "/").code == 3
