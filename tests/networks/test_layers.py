"""The vocabulary: one canonical form for each value, and a message of one line for each value that cannot be."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings

from cnncli.errors import UsageError
from cnncli.networks.layers import (
    WORDS,
    Activation,
    BatchNorm,
    Branches,
    Conv,
    Dropout,
    Flatten,
    Group,
    PartialConv,
    Pool,
    RadialBasis,
)
from tests.strategies import is_refused, values, words_with


def test_there_are_eighteen_words():
    assert len(WORDS) == 18
    assert all(kind.word == word for word, kind in WORDS.items())


def test_equal_windows_are_equal_however_written():
    assert Conv(6, 5) == Conv(6, (5, 5)) == Conv(6, [5, 5])
    assert Pool("max", (2, 2), (2, 2)) == Pool("max", 2, 2)
    assert Conv(6, (3, 5)).window == (3, 5)


def test_equal_paddings_are_equal_however_written():
    assert Conv(6, 5, padding=(1, 1, 1, 1)) == Conv(6, 5, padding=(1, 1)) == Conv(6, 5, padding=1)
    assert Conv(6, 5, padding=(1, 1, 2, 2)).padding == (1, 2)
    assert Conv(6, 5, padding=[0, 1, 0, 1]).padding == (0, 1, 0, 1)


def test_numbers_take_one_type():
    assert Dropout(0) == Dropout(0.0)
    assert isinstance(BatchNorm(epsilon=1).epsilon, float)


def test_layers_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Conv(6, 5).features = 7


def test_radial_basis_vectors_are_plus_and_minus_one():
    assert RadialBasis(("#. .#", "## ..")).vectors == ((1.0, -1.0, -1.0, 1.0), (1.0, 1.0, -1.0, -1.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv(0, 5), "conv: features is 0; expected a whole number of at least 1"),
        (lambda: Conv(6, 5.0), "conv: window is 5.0; expected a whole number of at least 1, or two: height, width"),
        (
            lambda: Conv(6, (5, 0)),
            "conv: window is (5, 0); expected a whole number of at least 1, or two: height, width",
        ),
        (lambda: Conv(True, 5), "conv: features is True; expected a whole number of at least 1"),
        (lambda: Conv(6, 5, bias=1), "conv: bias is 1; expected true or false"),
        (lambda: Conv(2**31, 5), "conv: features is 2147483648; expected a whole number below 2^31"),
        (lambda: Dropout(1.0), "dropout: drop is 1.0; expected a number of at least 0 and below 1"),
        (lambda: BatchNorm(epsilon=float("nan")), "batch-norm: epsilon is nan; expected a number of at least 0"),
        (
            lambda: Activation("rleu", name="a"),
            "activation 'a': kind is 'rleu'; expected one of relu, leaky-relu, elu, ",
        ),
        (lambda: Flatten(name="a/b"), "name is 'a/b'; expected text without slash, dot or blank"),
        (lambda: Group((5,)), "group: layers is (5,); expected a list of layers"),
        (lambda: Branches(()), "branches: branches is (); expected a list of branches, each a list of layers"),
        (lambda: PartialConv(((0, 0),), 5), "expected for each output map a list of different input maps"),
        (lambda: RadialBasis(("#", "##")), "expected for each class a text of # and ."),
    ],
)
def test_a_wrong_value_says_what_it_is_and_what_was_expected(make, message):
    with pytest.raises(UsageError) as error:
        make()
    assert message in str(error.value)


@pytest.mark.parametrize("padding", ["same", -1, (1, 2, 3), (1, -1), {"a": 1, "b": 2}, None, 1.5])
def test_padding_is_explicit_numbers(padding):
    with pytest.raises(UsageError, match="or four: top, bottom, left, right"):
        Conv(6, 5, padding=padding)


def test_a_long_wrong_value_is_shortened_to_one_line():
    with pytest.raises(UsageError) as error:
        Activation("x\n" * 10_000)
    assert len(str(error.value)) < 250
    assert "\n" not in str(error.value)


def test_a_number_too_long_to_write_out_is_refused_in_words():
    with pytest.raises(UsageError, match=r"features is a huge number; expected a whole number below 2\^31"):
        Conv(16**5000, 5)


@pytest.mark.parametrize("name", ["a b", "a.b", "_a", "a\x00b", "a\rb", "a\u2028b", 5])
def test_a_name_that_would_break_a_path_is_refused(name):
    with pytest.raises(UsageError, match="name is "):
        Flatten(name=name)


@settings(max_examples=500)
@given(words_with(values))
def test_arbitrary_values_make_a_layer_or_a_usage_error(word_and_values):
    word, chosen = word_and_values
    assert is_refused(word, chosen) in (True, False)
