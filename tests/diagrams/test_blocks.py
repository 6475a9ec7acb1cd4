"""Blocks: branches side by side, shortcuts beside the body, repeated groups once, heads dashed."""

from cnncli.diagrams.blocks import sketch
from cnncli.diagrams.diagram import fold, parts
from cnncli.diagrams.sketch import Disc, Line, Panel, Words
from cnncli.networks.catalogue import find
from cnncli.networks.layers import Activation, AuxiliaryHead, Branches, Conv, Dense, Flatten, Group, Residual
from cnncli.networks.network import Network


def drawn(network, depth=9):
    return sketch(fold(parts(network), depth), network.input).marks


def words(marks):
    return [mark for mark in marks if isinstance(mark, Words)]


def texts(marks):
    return [mark.text for mark in words(marks)]


def where(marks, text):
    return [(mark.x, mark.y) for mark in words(marks) if mark.text == text]


def network(*layers):
    return Network("net", (8, 8, 4), layers)


def test_branches_are_side_by_side_and_meet_below():
    marks = drawn(find("inception-naive"))
    ways = [where(marks, text)[0] for text in ("conv 1x1, 128", "conv 3x3, 192", "conv 5x5, 96", "max 3x3")]
    assert len({y for _, y in ways}) == 1
    assert [x for x, _ in ways] == sorted(x for x, _ in ways)
    ((x, y),) = where(marks, "concat")
    assert y > ways[0][1]
    assert ways[0][0] < x < ways[-1][0]
    assert "28x28x672" in texts(marks)


def test_every_branch_leads_into_the_concatenation():
    marks = drawn(find("inception-reduced"))
    (box,) = (mark for mark in marks if isinstance(mark, Panel) and mark.fill == "#FFFFFF")
    ends = [mark.points[-1] for mark in marks if isinstance(mark, Line) and mark.arrow]
    assert sum(y == box.y and box.x < x < box.x + box.width for x, y in ends) == 4


def circles(marks):
    return [mark for mark in marks if isinstance(mark, Disc) and mark.fill == "#FFFFFF"]


def test_a_shortcut_goes_around_the_body_to_the_circle():
    marks = drawn(network(Residual((Conv(4, 1),)), Activation("relu")))
    (circle,) = circles(marks)
    ends = [mark.points[-1] for mark in marks if isinstance(mark, Line) and mark.arrow]
    assert (circle.x, circle.y - circle.radius) in ends
    assert (circle.x + circle.radius, circle.y) in ends
    ((x, y),) = where(marks, "relu")
    assert (x < circle.x, y) == (True, circle.y)


def test_a_projection_is_a_box_on_the_shortcut():
    marks = drawn(network(Residual((Conv(8, 1, 2, name="a"),), (Conv(8, 2, 2, name="b"),))))
    ((body, _),), ((shortcut, _),) = where(marks, "conv 1x1/2, 8"), where(marks, "conv 2x2/2, 8")
    assert body < shortcut


def test_repeated_groups_are_drawn_once():
    block = Group((Residual((Conv(4, 1),)), Activation("relu")))
    marks = drawn(network(*[block] * 3))
    assert texts(marks).count("conv 1x1, 4") == len(circles(marks)) == 1
    assert {"group1 to group3", "x3"} <= set(texts(marks))


def test_repeated_residuals_without_a_group_are_in_a_frame_too():
    marks = drawn(network(*[Residual((Conv(4, 1),)), Activation("relu")] * 2))
    assert "x2" in texts(marks)
    assert len(circles(marks)) == 1


def test_folded_groups_say_what_is_in_them():
    marks = drawn(find("resnet50"), 2)
    assert {"block1", "block2 to block6 x5", "conv 3x3/2, 256", "+ conv 1x1/2, 1024", "+ identity"} <= set(texts(marks))
    assert circles(marks) == []


def test_a_long_gist_is_cut():
    marks = drawn(network(Group(tuple(Conv(4 + place, 1) for place in range(30)))), 1)
    assert texts(marks)[-3:] == ["conv 1x1, 11", "…", "8x8x33"]


def test_auxiliary_heads_are_dashed_and_beside():
    heads = network(Conv(4, 1), AuxiliaryHead((Flatten(), Dense(2)), name="head"), Conv(8, 1))
    for depth in (1, 9):
        marks = drawn(heads, depth)
        (box,) = (mark for mark in marks if isinstance(mark, Panel) and mark.dashed)
        ((main, _),) = where(marks, "conv 1x1, 8")
        assert box.x > main
        assert sum(isinstance(mark, Line) and mark.dashed for mark in marks) == 1
    assert "dense 2" in texts(drawn(heads, 1))


def test_an_empty_branch_is_a_line():
    marks = drawn(network(Branches(((), (Conv(4, 1),)))))
    assert [text for text in texts(marks) if "conv" in text] == ["conv 1x1, 4"]
    assert "8x8x8" in texts(marks)


def test_columns_are_joined_by_lines():
    marks = drawn(network(*(Conv(4 + place, 1) for place in range(40))))
    tops = {mark.y for mark in marks if isinstance(mark, Panel)}
    columns = {mark.x + mark.width / 2 for mark in marks if isinstance(mark, Panel)}
    turns = [mark for mark in marks if isinstance(mark, Line) and len(mark.points) == 6]
    assert 2 <= len(columns) == len(turns) + 1
    assert len(tops) < 41


def test_what_a_heading_ends_in_is_not_said_twice():
    assert texts(drawn(network(Flatten(), Dense(10))))[-2:] == ["256", "dense 10"]
