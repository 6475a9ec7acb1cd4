"""Every formula is arithmetic that is true, and ends in its row's own figure."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.layers import BatchNorm, Branches, Conv, Dense, Flatten, PartialConv, Subsample
from cnncli.networks.network import Network, adapt
from cnncli.sizing.explain import explain
from cnncli.sizing.report import fold
from cnncli.sizing.size import size
from cnncli.sizing.workload import BYTES, Workload
from tests.strategies import networks


def value(arithmetic):
    """What Python makes of digits and operators, exactly."""
    assert re.fullmatch(r"[\d+*/() -]+", arithmetic), arithmetic
    return eval(re.sub(r"\d+", r"Fraction(\g<0>)", arithmetic), {"__builtins__": {}, "Fraction": Fraction})


def sides(formula):
    """Both sides of a formula as exact numbers; they are equal, up to the digits that `...` leaves out."""
    left, right = formula.removesuffix(" bytes").split(" = ")
    found, said = value(left), Fraction(right.replace(",", "").removesuffix("..."))
    assert 0 < found - said < Fraction(1, 1000) if right.endswith("...") else found == said, formula
    return found


def figures(row, load):
    """The figures of a row, by the name of their step."""
    windows = row.windows
    expected = {
        "parameters": {row.params} - {0},
        "statistics": {row.stats} - {0},
        "MACs": {row.macs} - {0},
        "memory": {row.activations * load.images * load.bytes} - {0},
        "receptive field": {axis.size for axis in row.field} if windows and row.field else set(),
        "jump": {axis.jump for axis in row.field} if windows and row.field else set(),
        "output": set(),
    }
    if windows:
        expected["output"] = {windows.rows.exact, windows.columns.exact}
        assert (windows.rows.out, windows.columns.out) == row.output[:2]
    elif row.word == "flatten" or row.kind == "concat":
        expected["output"] = {row.output[-1]}
    return expected


def check(report, load):
    for row in report.rows:
        found: dict[str, set[Fraction]] = {}
        for step in explain(row, load):
            # Axes that differ are named: `output height`.
            what = step.what.removesuffix(" height").removesuffix(" width")
            found.setdefault(what, set()).add(sides(step.formula))
        assert found == {what: values for what, values in figures(row, load).items() if values}, row.path


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_formula_of_the_catalogue_is_true(name):
    check(size(find(name)), Workload())
    check(size(find(name)), Workload(128, "bfloat16", devices=3))


@given(networks(), st.integers(1, 9), st.sampled_from(sorted(BYTES)))
def test_every_formula_is_true(network, batch, dtype):
    check(size(network), Workload(batch, dtype))


def steps(report, path, load=Workload()):  # noqa: B008
    (row,) = [row for row in report.rows if row.path == path]
    return [(step.what, step.formula) for step in explain(row, load)]


def test_alexnet_begins_as_the_chapter_has_it():
    assert steps(size(find("alexnet")), "conv1") == [
        ("output", "(227 - 11 + 2*0)/4 + 1 = 55"),
        ("parameters", "(11*11*3 + 1) * 96 = 34,944"),
        ("MACs", "55*55*11*11*3*96 = 105,415,200"),
        ("receptive field", "1 + (11 - 1)*1 = 11"),
        ("jump", "1*4 = 4"),
        ("memory", "55*55*96*4 = 1,161,600 bytes"),
    ]


def test_groups_see_a_part_of_the_channels():
    found = dict(steps(size(find("alexnet")), "conv2"))
    assert found["parameters"] == "(5*5*96/2 + 1) * 256 = 307,456"
    assert found["MACs"] == "27*27*5*5*96/2*256 = 223,948,800"
    assert found["receptive field"] == "19 + (5 - 1)*8 = 51"


def test_a_batch_on_devices_multiplies_memory():
    found = dict(steps(size(find("alexnet")), "fc6", Workload(128, "bfloat16", devices=3)))
    assert found == {
        "parameters": "(9216 + 1) * 4096 = 37,752,832",
        "MACs": "9216*4096 = 37,748,736",
        "memory": "4096*43*2 = 352,256 bytes",
    }


def test_what_does_not_fit_says_what_becomes_of_it():
    row = size(adapt(find("alexnet"), (224, 224, 3))).rows[0]
    assert explain(row, Workload())[0].formula == "(224 - 11 + 2*0)/4 + 1 = 54.25"
    assert explain(row, Workload())[0].note == "54.25 rounded down to 54: 1 pixel dropped"
    row = size(Network("n", (8, 8, 1), (Conv(1, 2, 3, (1, 0, 0, 0)),))).rows[0]
    assert [step.formula for step in explain(row, Workload())][:2] == [
        "(8 - 2 + 1 + 0)/3 + 1 = 3.333...",
        "(8 - 2 + 2*0)/3 + 1 = 3",
    ]


def test_axes_that_differ_are_explained_one_by_one():
    report = size(Network("n", (8, 9, 2), (Conv(2, (3, 5), (1, 2), bias=False),)))
    assert steps(report, "conv1") == [
        ("output height", "(8 - 3 + 2*0)/1 + 1 = 6"),
        ("output width", "(9 - 5 + 2*0)/2 + 1 = 3"),
        ("parameters", "3*5*2 * 2 = 60"),
        ("MACs", "6*3*3*5*2*2 = 1,080"),
        ("receptive field height", "1 + (3 - 1)*1 = 3"),
        ("jump height", "1*1 = 1"),
        ("receptive field width", "1 + (5 - 1)*1 = 5"),
        ("jump width", "1*2 = 2"),
        ("memory", "6*3*2*4 = 144 bytes"),
    ]


def test_lenet5_of_1998_has_its_links_and_coefficients():
    report = size(find("lenet5-1998"))
    assert ("parameters", "60*5*5 + 16 = 1,516") in steps(report, "c3")
    assert ("MACs", "10*10*60*5*5 = 150,000") in steps(report, "c3")
    assert ("parameters", "2 * 6 = 12") in steps(report, "s2")


def test_normalization_concatenation_and_flattening():
    ways = ((Conv(3, 1),), (), (PartialConv(((0, 1),), 1),))
    report = size(Network("n", (4, 4, 2), (Branches(ways), BatchNorm(), Subsample(2, 2), Flatten(), Dense(1))))
    assert steps(report, "concat1") == [("output", "3 + 2 + 1 = 6")]
    assert steps(report, "batch-norm1") == [("parameters", "2 * 6 = 12"), ("statistics", "2 * 6 = 12")]
    assert steps(report, "flatten1") == [("output", "2*2*6 = 24")]


def test_what_changes_values_in_place_has_no_formula():
    rows = {row.word: row for row in size(find("alexnet")).rows}
    for word in ("activation", "dropout", "local-response-norm"):
        assert explain(rows[word], Workload()) == ()


def test_a_folded_group_is_explained_by_its_layers_alone():
    rows = fold(size(find("googlenet")).rows, 1)
    assert [explain(row, Workload()) for row in rows if row.word == "group"] == [()] * 11
    pooled = next(row for row in rows if row.path == "pool2")
    assert explain(pooled, Workload())[0].formula == "(56 - 3 + 2*0)/2 + 1 = 27.5"
