"""Pictures of networks: every text has its place, whatever the network."""

import subprocess
import sys
import tomllib
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cnncli.diagrams.architecture import PAGE, draw, picture
from cnncli.diagrams.sketch import SMALL, Disc, Line, Panel, Words
from cnncli.errors import UsageError
from cnncli.networks import toml
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.layers import Activation, Branches, Conv, Group, Residual
from cnncli.networks.network import Network
from tests.strategies import networks


def overlapping(one, other, slack=0.5):
    return (
        one[0] < other[2] - slack
        and other[0] < one[2] - slack
        and one[1] < other[3] - slack
        and other[1] < one[3] - slack
    )


def crossing(line, frame, slack=1.0):
    """Whether a line goes through a frame: some point of a piece of it lies inside."""
    left, top, right, bottom = frame[0] + slack, frame[1] + slack, frame[2] - slack, frame[3] - slack
    for (x, y), (to_x, to_y) in zip(line.points, line.points[1:], strict=False):
        low, high = 0.0, 1.0
        for start, step, least, most in ((x, to_x - x, left, right), (y, to_y - y, top, bottom)):
            if step == 0:
                if not least < start < most:
                    low, high = 1.0, 0.0
                continue
            near, far = sorted(((least - start) / step, (most - start) / step))
            low, high = max(low, near), min(high, far)
        if low < high:
            return True
    return False


def check(page):
    """Texts are large enough, inside the page, beside each other, and nothing is drawn through them."""
    words = [mark for mark in page.marks if isinstance(mark, Words)]
    for mark in words:
        left, top, right, bottom = mark.frame
        assert left >= 0 and top >= 0 and right <= page.width and bottom <= page.height, mark
        assert mark.size >= SMALL >= 9
    for one, other in combinations(sorted(words, key=lambda mark: mark.frame), 2):
        assert not overlapping(one.frame, other.frame), (one, other)
    for line in (mark for mark in page.marks if isinstance(mark, Line)):
        assert all(0 <= x <= page.width and 0 <= y <= page.height for x, y in line.points)
        assert [mark for mark in words if crossing(line, mark.frame)] == []
    for panel in (mark for mark in page.marks if isinstance(mark, Panel)):
        assert panel.x >= 0 and panel.x + panel.width <= page.width and panel.y + panel.height <= page.height
        frame = panel.x, panel.y, panel.x + panel.width, panel.y + panel.height
        for mark in words:
            left, top, right, bottom = mark.frame
            inside = frame[0] <= left and frame[1] <= top + 1 and right <= frame[2] and bottom <= frame[3] + 1
            assert inside or not overlapping(frame, mark.frame), (panel, mark)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_text_has_its_place_and_the_page_is_readable(name):
    page = picture(find(name))
    check(page)
    assert page.width <= PAGE[0]
    assert page.height <= 1.1 * PAGE[1]


EXAMPLES = Path(__file__).parents[2] / "examples.toml"
NETWORKS = [name for name, entry in tomllib.loads(EXAMPLES.read_text()).items() if "input" in entry]


@pytest.mark.parametrize("name", NETWORKS)
def test_examples_are_readable(name):
    check(picture(toml.load(EXAMPLES, name)))


@settings(max_examples=60)
@given(networks(depth=3), st.sampled_from(["auto", "blocks"]), st.sampled_from([None, 1, 2, 9]))
def test_every_text_has_its_place_in_any_network(network, style, depth):
    check(picture(network, style, depth))


@settings(max_examples=10)
@given(networks(depth=3))
def test_drawing_never_fails(tmp_path_factory, network):
    for format in ("svg", "png"):
        path = tmp_path_factory.mktemp("pictures") / f"random.{format}"
        draw(network, path, format)
        assert path.stat().st_size > 1000


def test_a_long_tail_of_a_sum_has_room():
    tail = [*[Activation(kind) for kind in ("scaled-tanh", "leaky-relu")] * 6]
    check(picture(Network("net", (4, 4, 1), (Residual((Conv(1, 1),)), *tail, Residual(()), *tail, Conv(1, 1)))))


def style(page):
    """Blocks have boxes with round corners besides the legend's."""
    return "blocks" if any(isinstance(mark, Panel) and mark.corner > 2 for mark in page.marks) else "volumes"


VOLUMES = [
    "linear",
    "mlp",
    "lenet5",
    "lenet5-1998",
    "mnist-convnet",
    "alexnet",
    "alexnet-cifar10",
    "zfnet",
    "vgg16",
    "vgg19-bn",
]
BLOCKS = ["inception-naive", "inception-reduced", "googlenet", "resnet18", "resnet152", "resnet20", "plain20"]


@pytest.mark.parametrize("name", VOLUMES)
def test_chains_are_volumes(name):
    assert style(picture(find(name))) == "volumes"


@pytest.mark.parametrize("name", BLOCKS)
def test_what_branches_or_repeats_is_blocks(name):
    assert style(picture(find(name))) == "blocks"


def test_groups_of_a_chain_do_not_hide_its_volumes():
    grouped = Network("net", (8, 8, 1), (Group((Conv(4, 3), Activation("relu")), name="stage"), Conv(2, 3)))
    page = picture(grouped)
    assert style(page) == "volumes"
    assert "stage/conv1" in [mark.text for mark in page.marks if isinstance(mark, Words)]


def test_a_long_chain_is_blocks():
    long = Network("net", (8, 8, 1), tuple(Conv(1 + place, 1) for place in range(30)))
    assert style(picture(long)) == "blocks"
    assert style(picture(long, "volumes")) == "volumes"


def test_any_style_can_be_asked_for():
    assert style(picture(find("lenet5"), "blocks")) == "blocks"
    with pytest.raises(UsageError, match="'resnet18' has residual at 'conv2/block1/add1': choose --style blocks"):
        picture(find("resnet18"), "volumes")


def sums(page):
    return sum(isinstance(mark, Disc) and mark.fill == "#FFFFFF" for mark in page.marks)


def test_groups_are_opened_as_far_as_a_page_has_room():
    assert [sums(picture(find(name))) for name in ("resnet18", "resnet20", "resnet152")] == [7, 5, 0]
    assert sums(picture(find("resnet152"), depth=3)) == 8
    assert sums(picture(find("resnet18"), depth=2)) == 0


def test_the_heading_and_the_legend():
    said = [mark.text for mark in picture(find("googlenet")).marks if isinstance(mark, Words)]
    assert said[:2] == ["googlenet", "224x224x3 → 1000, 6,998,552 parameters"]
    assert said[-6:] == ["input", "convolution", "pooling", "dense", "group", "auxiliary head"]


NASTY = 'a "net"\n<b>$x$</b> \x00\ud800'


def test_any_name_is_drawn(tmp_path):
    layers = (Conv(2, 1, name='$"<&>\\'), Residual((Conv(2, 1, name="猫" * 99),)), Group((Conv(2, 1),), name="g" * 300))
    network = Network(NASTY, (4, 4, 1), (*layers, Branches(((), ()))), variant="word" * 500)
    page = picture(network)
    check(page)
    assert page.width < 1500
    for format in ("svg", "png"):
        draw(network, tmp_path / f"nasty.{format}", format)


def test_two_drawings_are_the_same_bytes(tmp_path):
    for format in ("svg", "png"):
        for name in ("one", "two"):
            draw(find("lenet5"), tmp_path / name, format)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_png_is_for_a_projector(tmp_path):
    draw(find("lenet5"), tmp_path / "lenet5.png", "png")
    page = picture(find("lenet5"))
    with Image.open(tmp_path / "lenet5.png") as image:
        assert image.format == "PNG"
        assert image.size == pytest.approx((2 * page.width, 2 * page.height), abs=2)


WITHOUT = """
import sys
import tomllib
from pathlib import Path
from cnncli.networks.catalogue import find
from cnncli.diagrams import architecture, graphs, tree
assert "matplotlib.pyplot" not in sys.modules
architecture.draw(find("resnet18"), Path("resnet18.svg"), "svg")
tree.tree(find("resnet18"))
assert not {"matplotlib.pyplot", "jax", "flax"} & set(sys.modules)
"""


def test_a_picture_needs_neither_pyplot_nor_jax(tmp_path):
    subprocess.run([sys.executable, "-c", WITHOUT], check=True, timeout=60, cwd=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["resnet18.svg"]


def test_trees_and_graphs_need_no_matplotlib():
    code = "import sys; from cnncli.diagrams import graphs, tree; assert not {'matplotlib', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
