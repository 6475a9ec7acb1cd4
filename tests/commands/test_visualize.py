"""`cnncli visualize architecture`: files and text, each where it belongs."""

import subprocess
import sys

import pytest

from cnncli.networks import toml
from cnncli.networks.layers import Conv
from cnncli.networks.network import Network
from tests.commands.conftest import at_terminal, command


def test_a_picture_is_an_svg_named_after_the_network(cli, tmp_path):
    answer = cli("visualize", "architecture", "lenet5")
    assert (answer.code, answer.out, answer.err) == (0, "lenet5.svg\n", "")
    assert (tmp_path / "lenet5.svg").read_text().startswith("<?xml")
    assert [file.name for file in tmp_path.iterdir()] == ["lenet5.svg"]


BEGINNINGS = {
    "a.svg": b"<?xml",
    "a.png": b"\x89PNG",
    "a.dot": b"digraph",
    "a.mmd": b"---\ntitle",
    "a.TXT": b"resnet18  ",
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_the_name_of_the_file_decides_the_format(cli, tmp_path, name):
    answer = cli("visualize", "architecture", "resnet18", "--out", name)
    assert (answer.code, answer.out, answer.err) == (0, f"{name}\n", "")
    assert (tmp_path / name).read_bytes().startswith(BEGINNINGS[name])


@pytest.mark.parametrize(("format", "begun"), [("dot", "digraph "), ("mermaid", "---\n"), ("tree", "resnet18  ")])
def test_text_without_a_file_is_the_result(cli, tmp_path, format, begun):
    answer = cli("visualize", "architecture", "resnet18", "--format", format)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(begun)
    assert list(tmp_path.iterdir()) == []
    cli("visualize", "architecture", "resnet18", "--format", format, "--out", "file.any")
    assert (tmp_path / "file.any").read_text() == answer.out


def test_a_png_without_a_file_is_named_after_the_network_too(cli, tmp_path):
    assert cli("visualize", "architecture", "mlp", "--format", "png").out == "mlp.png\n"
    assert (tmp_path / "mlp.png").exists()


def test_a_run_and_a_file_are_drawn(cli, trained, tmp_path):
    network = Network("../odd name: x", (4, 4, 1), (Conv(2, 3),))
    (tmp_path / "net.toml").write_text(toml.write(network))
    assert "conv 3x3, 2  2x2x2" in cli("visualize", "architecture", "net.toml", "--format", "tree").out
    assert cli("visualize", "architecture", "net.toml").out == "_odd_name_x.svg\n"
    run = cli("visualize", "architecture", trained, "--format", "tree")
    assert run.out.startswith("mlp  8x8x1 -> 10  9,610 parameters\n")


def test_input_classes_and_depth_are_heeded(cli):
    words = ("visualize", "architecture", "resnet18", "--format", "tree", "--input", 64, "--classes", 7, "--depth", 1)
    lines = cli(*words).out.splitlines()
    assert lines[0].startswith("resnet18  64x64x3 -> 7  ")
    assert len(lines) == 11


def test_an_existing_file_is_kept_unless_forced(cli, tmp_path):
    (tmp_path / "lenet5.svg").write_text("mine")
    answer = cli("visualize", "architecture", "lenet5")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: lenet5.svg exists already; choose another name with --out, or --force")
    assert (tmp_path / "lenet5.svg").read_text() == "mine"
    assert cli("visualize", "architecture", "lenet5", "--force").code == 0
    assert (tmp_path / "lenet5.svg").read_text() != "mine"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lenet6", "unknown network 'lenet6'; did you mean 'lenet5'"),
        ("lenet5 --format pdf", "--format is 'pdf'; expected svg, png, dot, mermaid or tree"),
        ("lenet5 --out a.pdf", "--out a.pdf: expected a name ending in .svg, .png, .dot, .mmd, .txt, or --format"),
        ("lenet5 --out a", "--out a: expected a name ending in .svg"),
        ("lenet5 --out a.png --format svg", "--out a.png ends as png does, --format is svg"),
        ("lenet5 --out no/a.png", "--out no/a.png: there is no folder"),
        ("lenet5 --style cubes", "--style is 'cubes'; expected auto, volumes or blocks"),
        ("lenet5 --style blocks --format dot", "--style belongs to pictures, svg and png; dot has none"),
        ("resnet18 --style volumes", "'resnet18' has residual at 'conv2/block1/add1': choose --style blocks"),
        ("lenet5 --depth 0", "--depth is '0'; expected greater than or equal to 1"),
        ("lenet5 --input 5", "pool 's2'"),
        ("", "missing argument 'NETWORK|RUN'"),
    ],
)
def test_a_mistake_costs_one_line_and_writes_nothing(cli, tmp_path, words, said):
    answer = cli("visualize", "architecture", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_one_line(cli, tmp_path):
    (tmp_path / "taken.png").mkdir()
    (tmp_path / "taken.txt").mkdir()
    for name in ("taken.png", "taken.txt"):
        answer = cli("visualize", "architecture", "lenet5", "--out", name, "--force")
        assert (answer.code, answer.out, answer.err.count("\n")) == (3, "", 1)
        assert "Is a directory" in answer.err


def test_more_edges_than_mermaid_draws_are_remarked_on(cli):
    assert (
        "Mermaid draws fewer than 500 edges" in cli("visualize", "architecture", "resnet152", "--format", "mermaid").err
    )
    words = ("visualize", "architecture", "resnet152", "--format", "mermaid", "--depth", 2)
    assert cli(*words).err == ""


def test_methods_have_help_of_their_own(cli):
    assert "architecture" in cli("visualize", "--help").out
    assert "Usage: cnncli visualize architecture" in cli("visualize", "architecture", "--help").out
    assert cli("visualize", "architectur", "lenet5").err.startswith("error: no such command 'architectur'")


def test_a_tree_is_not_cut_on_a_narrow_terminal():
    shown = at_terminal(40, "visualize", "architecture", "resnet18", "--format", "tree", "--depth", 2)
    assert shown.code == 0
    block = next(line for line in shown.out.splitlines() if "block2" in line)
    assert block.split()[-2:] == ["56x56x64", "73,984"]


def test_a_reader_that_has_had_enough_is_no_error():
    words = command("visualize", "architecture", "resnet152", "--format", "dot")
    started = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    started.stdout.read(10)
    started.stdout.close()
    assert (started.stderr.read(), started.wait(60)) == (b"", 0)
    started.stderr.close()


WITHOUT_JAX = """
import sys
from cnncli.commands.app import run
assert run(["visualize", "architecture", "resnet18", "--out", "picture.png"]) == 0
assert not {"jax", "flax", "matplotlib.pyplot", "sklearn"} & set(sys.modules)
"""


def test_a_picture_needs_no_jax(tmp_path):
    subprocess.run([sys.executable, "-c", WITHOUT_JAX], check=True, timeout=60, cwd=tmp_path, stdout=subprocess.PIPE)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]
