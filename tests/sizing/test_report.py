"""Rows folded, and totals that are the sums of the rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.layers import AuxiliaryHead, Conv, Dense, Flatten, Group, Pool, Residual
from cnncli.networks.network import Network
from cnncli.sizing.report import fold
from cnncli.sizing.size import size
from tests.strategies import networks

SUMS = ("params", "biases", "stats", "macs", "connections", "activations")


def adds_up(report, rows):
    """Whether rows have the sums of a report's, of the main path and of the heads."""
    for head in (False, True):
        whole, part = ([row for row in given if row.head == head] for given in (report.rows, rows))
        for column in SUMS:
            assert sum(getattr(row, column) for row in part) == sum(getattr(row, column) for row in whole), column
    main = [row for row in rows if not row.head]
    totals = report.totals
    for column in ("params", "stats", "macs", "connections"):
        assert sum(getattr(row, column) for row in main) == getattr(totals, column)
    assert totals.params_with_heads == sum(row.params for row in rows)
    assert totals.stats_with_heads == sum(row.stats for row in rows)
    assert not main or main[-1].output == report.output


def test_a_module_of_googlenet_is_one_row():
    rows = {row.path: row for row in fold(size(find("googlenet")).rows, 1)}
    module = rows["inception3a"]
    assert (module.input, module.output) == ((28, 28, 192), (28, 28, 256))
    assert (module.word, module.params, module.macs) == ("group", 163_696, 128_049_152)
    assert (module.field[0].size, module.field[0].jump) == (59, 8)
    assert module.windows is None
    assert (rows["head4a"].head, rows["head4a"].params) == (True, 3_188_840)
    assert len(rows) == 26


def test_nothing_is_folded_that_is_not_deeper():
    rows = size(find("resnet50")).rows
    assert fold(rows, 3) == rows
    assert [row.path for row in fold(rows, 2)][:6] == [
        *("conv1", "bn1", "relu1", "pool1"),
        *("conv2/block1", "conv2/block2"),
    ]
    assert fold(size(find("vgg16")).rows, 1) == size(find("vgg16")).rows


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_folded_columns_of_the_catalogue_add_up(name, depth):
    report = size(find(name))
    adds_up(report, fold(report.rows, depth))


@given(networks(3), st.integers(1, 4))
def test_folded_columns_add_up(network, depth):
    report = size(network)
    rows = fold(report.rows, depth)
    adds_up(report, rows)
    names = [(row.path, row.head) for row in rows]
    assert len(set(names)) == len(names)
    assert all(path.count("/") < depth for path, _ in names)


def test_a_group_is_one_row_even_around_a_head_which_is_another():
    inside = (Conv(2, 1), AuxiliaryHead((Flatten(), Dense(3)), name="aux"), Conv(4, 1))
    report = size(Network("n", (2, 2, 1), (Group(inside, name="g"),)))
    main, head = fold(report.rows, 1)
    assert (main.path, main.head, main.params, main.output) == ("g", False, 4 + 12, (2, 2, 4))
    assert (head.path, head.head, head.params, head.output) == ("g", True, 27, (3,))


def test_a_folded_row_holds_what_its_fullest_layer_does():
    body = (Conv(2, 3, padding=1), Conv(2, 3, padding=1))
    (row,) = fold(size(Network("n", (4, 4, 2), (Residual(body, name="block"),))).rows, 1)
    assert (row.path, row.held, row.activations) == ("block", 32, 64)


def test_rows_that_do_not_fit_are_told_apart_by_both_axes():
    report = size(Network("n", (5, 6, 1), (Conv(1, 1), Pool("max", 2, 2), Pool("max", 2, 2))))
    assert [row.path for row in report.unfit] == ["pool1", "pool2"]
    assert [row.windows.fits for row in report.rows] == [True, False, False]
    assert size(Network("n", (4, 6, 1), (Pool("max", 2, 2),))).unfit == ()


def test_the_main_path_is_without_heads():
    report = size(find("googlenet"))
    assert len(report.rows) - len(report.main) == 16
    assert {row.path.split("/")[0] for row in report.rows if row.head} == {"head4a", "head4d"}
    assert report.has_heads
    assert not size(find("vgg16")).has_heads
