import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, BatchNorm, Branches, Conv, Dense, Flatten, Pool
from cnncli.networks.network import Network
from cnncli.sizing.quiz import ASKED, KINDS, draw, figure, read, total
from cnncli.sizing.report import fold
from cnncli.sizing.size import show, size
from tests.strategies import networks

ALL = 10_000


def quiz(network, columns=tuple(ASKED), count=ALL, seed=0, depth=None):
    report = size(find(network) if isinstance(network, str) else network)
    return draw(report, fold(report.rows, depth) if depth else report.rows, columns, count, seed)


def questions(*given, **named):
    return {(each.path, each.column): each for each in quiz(*given, **named).questions}


def test_why_55():
    asked = questions("alexnet")
    conv1 = asked["conv1", "output"]
    assert (conv1.answer, conv1.formulas) == ((55, 55, 96), ("(227 - 11 + 2*0)/4 + 1 = 55",))
    assert asked["conv1", "params"].formulas == ("(11*11*3 + 1) * 96 = 34,944",)
    assert asked["conv1", "macs"].answer == (105_415_200,)
    assert (asked["pool5", "field"].answer, asked["pool5", "jump"].answer) == ((195,), (32,))
    assert asked["flatten1", "output"].answer == (9216,)
    assert asked["total", "params"].answer == (60_965_224,)


def test_a_question_says_what_the_table_does_not():
    asked = questions("alexnet")
    assert asked["conv1", "output"].given == "96 filters"
    assert asked["conv2", "params"].given == "2 groups, with biases"
    assert asked["conv2", "macs"].given == "2 groups"
    assert questions("resnet18")["conv1", "params"].given == "without biases"
    assert questions("lenet5-1998")["c3", "params"].given == "60 links, with biases"
    assert questions("googlenet")["total", "params"].given == "without auxiliary heads"
    rounded = Network("n", (6, 6, 2), (Pool("max", 3, 2, ceil=True),))
    assert questions(rounded)["pool1", "output"].given == "rounded up"


def test_a_total_is_the_sum_of_the_rows():
    assert questions("lenet5")["total", "macs"].formulas == ("117,600 + 240,000 + 48,000 + 10,080 + 840 = 416,520",)
    assert questions("vgg16")["total", "params"].formulas == ("1,792 + 36,928 + ... + 4,097,000 = 138,357,544",)


def test_what_is_asked_is_hidden_wherever_it_stands():
    made = quiz("lenet5", ("output",))
    rows = {row.path: row for row in made.rows}
    assert (made.questions[2].path, made.questions[2].answer) == ("c3", (10, 10, 16))
    assert [path for path, row in rows.items() if made.label(row, "output") == "?3"] == ["c3", "tanh2"]
    assert [path for path, row in rows.items() if made.label(row, "input") == "?3"] == ["tanh2", "s4"]
    assert made.label(rows["c3"], "memory") == "?"
    assert {made.label(rows["c3"], key) for key in ("layer", "window", "params", "macs")} == {""}


def test_a_total_is_hidden_where_it_would_tell_a_row():
    made = quiz("lenet5", ("params",), 1, 3)
    (one,) = made.questions
    row = next(row for row in made.rows if row.path == one.path)
    assert (made.label(row, "params"), made.total_label("params"), made.total_label("macs")) == ("?1", "?", "")
    assert (made.label(row, "share"), made.label(row, "connections")) == ("?", "?")


def test_parameters_of_a_batch_norm_do_not_stand_under_its_statistics():
    made = quiz(Network("n", (4, 4, 3), (Conv(5, 3, bias=False), BatchNorm())), ("params",))
    norm = made.rows[1]
    assert made.label(norm, "params") == made.label(norm, "stats") != ""


def test_figures_that_are_the_same_are_asked_once_where_they_stand_first():
    paths = [each.path for each in quiz("vgg16", ("params",)).questions]
    assert "conv5_1" not in paths  # as conv4_2
    assert {"conv4_1", "conv4_2"} <= set(paths)
    made = quiz("vgg16", ("params",))
    rows = {row.path: made.label(row, "params") for row in made.rows}
    assert rows["conv4_2"] == rows["conv4_3"] == rows["conv5_1"]


def test_a_size_that_no_formula_gives_is_not_asked():
    asked = questions("lenet5")
    assert not any(path.startswith("tanh") for path, _ in asked)
    assert ("c5", "output") not in asked  # its features are a choice
    # The input is given, and so is what has the same shape.
    kept = Network("n", (8, 8, 3), (Conv(3, 3, padding=1), Activation("relu")))
    assert ("conv1", "output") not in questions(kept)


def test_where_branches_meet_is_asked():
    joined = questions(Network("n", (4, 4, 3), (Branches(((Conv(2, 1),), (Conv(5, 1),))),)))
    assert joined["concat1", "output"].formulas == ("2 + 5 = 7",)


def test_axes_that_differ_are_both_asked():
    asked = questions(Network("n", (9, 7, 1), (Conv(2, (3, 1)),)))
    assert asked["conv1", "field"].answer == (3, 1)
    assert asked["conv1", "output"].formulas == ("(9 - 3 + 2*0)/1 + 1 = 7", "(7 - 1 + 2*0)/1 + 1 = 7")


def test_what_does_not_fit_is_said():
    asked = questions(Network("n", (8, 8, 1), (Pool("max", 3, 2),)))
    assert asked["pool1", "output"].formulas == ("(8 - 3 + 2*0)/2 + 1 = 3.5 (3.5 rounded down to 3: 1 pixel dropped)",)


def test_folded_layers_are_not_asked():
    asked = questions("resnet18", depth=2)
    assert {path for path, _ in asked} <= {"conv1", "bn1", "pool1", "fc", "total"}
    assert asked["total", "macs"].answer == (1_814_073_344,)


def test_a_seed_gives_the_same_questions_and_another_seed_others():
    drawn = [quiz("alexnet", ("output", "params", "macs", "field"), 5, seed).questions for seed in range(8)]
    assert drawn[0] == quiz("alexnet", ("output", "params", "macs", "field"), 5, 0).questions
    assert len(set(drawn)) == 8
    for each in drawn:
        assert [one.number for one in each] == [1, 2, 3, 4, 5]
        assert {one.column for one in each} == {"output", "params", "macs", "field"}


def test_a_single_question_is_of_any_column():
    drawn = [quiz("alexnet", ("output", "params", "macs", "field"), 1, seed).questions for seed in range(40)]
    assert {one.column for (one,) in drawn} == {"output", "params", "macs", "field"}


def test_only_shown_columns_are_asked():
    assert {each.column for each in quiz("lenet5", ("layer", "macs", "jump")).questions} == {"macs", "jump"}
    with pytest.raises(UsageError, match="nothing to ask of lenet5 in the columns layer, kind; it asks output"):
        quiz("lenet5", ("layer", "kind"))
    with pytest.raises(UsageError, match="nothing to ask of n; it asks"):
        quiz(Network("n", (2, 2, 1), (Activation("relu"),)))


@pytest.mark.parametrize(
    "text",
    [
        "55x55x96",
        " 55 x 55 x 96 ",
        "55X55X96",
        "55*55*96",
        "55 \u00d7 55 \u00d7 96",
        "(55, 55, 96)",
        "[55,55,96]",
        "55 55 96",
        "\u0665\u0665x55x096",
    ],
)
def test_shapes_are_read_as_people_write_them(text):
    assert read(text, 3) == (55, 55, 96)


@pytest.mark.parametrize("text", ["34944", "34,944", "34_944", "34 944", "34'944", "034944", "(34944)"])
def test_counts_are_read_as_people_write_them(text):
    assert read(text, 1) == (34944,)


def test_thousands_stand_in_shapes():
    assert read("7x7x1,024", 3) == (7, 7, 1024)
    assert read("11,9", 2) == read("11x9", 2) == (11, 9)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        *(("55", 3), ("55x55", 3), ("55x55x96x1", 3), ("55xx96", 3), ("55x55x96", 1), ("55x-5x96", 3)),
        *(("", 1), ("x", 1), ("34.944", 1), ("3,49", 1), ("1e3", 1), ("-1", 1), ("\u00b2", 1), ("fifty", 1)),
        *(("9" * 5000, 1), ("x" * 5000, 3), (" " * 5000, 3), ("\x00", 1), ("1,,000", 1), ("3 4944", 1)),
    ],
)
def test_what_is_no_figure_is_not_read(text, parts):
    assert read(text, parts) is None


@given(st.text(), st.integers(1, 3))
def test_nothing_typed_breaks_reading(text, parts):
    found = read(text, parts)
    assert found is None or len(found) == parts


@given(networks(2), st.integers(1, 12), st.integers(0, 99))
def test_what_is_asked_can_be_answered_and_not_read_off(network, count, seed):
    try:
        made = quiz(network, tuple(ASKED), count, seed)
    except UsageError:
        assume(False)
    assert 1 <= len(made.questions) <= count
    rows = (*made.rows, total(made.report))
    for each in made.questions:
        assert read(show(each.answer), len(each.answer)) == each.answer
        standing = [row for row in rows if figure(row, each.column) == each.answer]
        assert standing[0].path == each.path
        assert {made.label(row, each.column) for row in standing} == {f"?{each.number}"}
        if each.column in ("params", "macs"):
            assert read(f"{each.answer[0]:,}", 1) == each.answer
            assert each.formulas[0].endswith(f"= {each.answer[0]:,}")
    answers = {(KINDS[each.column], each.answer) for each in made.questions}
    assert len(answers) == len(made.questions)
    for column, kind in KINDS.items():
        shown = [figure(row, column) for row in made.rows if not made.label(row, column)]
        assert not answers & {(kind, found) for found in shown}


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet50", "lenet5-1998"])
def test_formulas_give_the_answers(name):
    for each in quiz(name).questions:
        for formula in each.formulas:
            left, right = formula.replace(",", "").split(" = ")
            if "..." not in left:
                assert eval(left) == pytest.approx(float(right.split()[0]), abs=1e-2)
        if each.column != "output":
            assert each.formulas[-1].replace(",", "").endswith(f" = {each.answer[-1]}")


def test_a_dense_layer_without_windows_is_asked():
    asked = questions(Network("n", (2, 2, 1), (Flatten(), Dense(3, bias=False))))
    # Without biases parameters and multiply-adds are one figure, and asked once.
    assert ("dense1", "params") in asked
    assert ("dense1", "macs") not in asked
