"""Networks in TOML: what is written is read back equal, and what cannot be read says where and why."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cnncli.errors import CnncliError, UsageError
from cnncli.networks import toml
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.layers import BatchNorm, Branches, Conv, Dense, Flatten, PartialConv, Residual
from cnncli.networks.network import Network
from tests.networks.written import refused, said
from tests.strategies import networks, toml_values, words_with

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def read(layers, head="input = [28, 28, 1]"):
    return toml.read(f"[tiny]\n{head}\nlayers = [{layers}]\n", "net.toml")


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_catalogued_network_comes_back_equal(name):
    assert toml.read(toml.write(find(name)), name) == find(name)


@settings(max_examples=500)
@given(networks())
def test_a_random_network_comes_back_equal(network):
    assert toml.read(toml.write(network), "random") == network


@given(TEXTS, TEXTS)
@example('say "hi"', "a\\b\n\r\t\x00\x1f\x7f\x85\u2028é漢🙂")
@example("", "[x]\nlayers = []")
def test_any_texts_come_back_equal(name, text):
    network = Network(name, (4, 4, 1), (Flatten(),), paper=text, table=text, variant=text)
    assert toml.read(toml.write(network), "texts") == network


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1e300))
def test_any_number_comes_back_equal(momentum, epsilon):
    network = Network("n", (4, 4, 1), (BatchNorm(momentum, epsilon),))
    assert toml.read(toml.write(network), "numbers") == network


def test_a_network_is_written_in_the_words_of_the_vocabulary():
    layers = (Conv(6, (5, 5), padding=(0, 0, 1, 1), name="c1"), Flatten(), Dense(10, bias=False))
    assert toml.write(Network("tiny", (28, 28, 1), layers, paper="none")) == (
        "[tiny]\n"
        "input = [28, 28, 1]\n"
        'paper = "none"\n'
        'init = "glorot-uniform"\n'
        "layers = [\n"
        '    { layer = "conv", name = "c1", features = 6, window = 5, padding = [0, 1] },\n'
        '    { layer = "flatten" },\n'
        '    { layer = "dense", features = 10, bias = false },\n'
        "]\n"
    )


def test_trees_and_tables_come_back_equal():
    block = Residual((Branches(((Conv(2, 1),), (), (Residual((), (Flatten(),)),))),), name="block")
    network = Network("n", (4, 4, 1), (block, PartialConv(((0,), (1, 2)), 1)))
    assert toml.read(toml.write(network), "trees") == network


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ('{layer = "conw", features = 6}', "net.toml line 3: [tiny] layer 1: no layer 'conw'; did you mean 'conv'?"),
        (
            '{layer = "flatten"}, {layer = "dense", feature = 6}',
            "net.toml line 3: [tiny] layer 2 (dense): unknown key 'feature'; did you mean 'features'?",
        ),
        ('{layer = "conv", name = "c1"}', "net.toml line 3: [tiny] layer 1 (conv): features and window missing"),
        (
            '{layer = "conv", features = 6, window = "big"}',
            "net.toml line 3: [tiny] layer 1 (conv): conv: window is 'big'; expected a whole number of at least 1, or",
        ),
        (
            '{layer = "group", layers = [{layer = "dense", features = 0}]}',
            "net.toml line 3: [tiny] layer 1 (group) layers 1 (dense): dense: features is 0; expected a whole number",
        ),
        ("5", 'net.toml line 1: [tiny] layer 1 is 5; expected a table such as { layer = "conv", ... }'),
        ('{kind = "relu"}', "net.toml line 3: [tiny] layer 1 is {'kind': 'relu'}; expected a table"),
        (
            '{layer = "flatten", name = "f"}, {layer = "flatten", name = "f"}',
            "net.toml line 1: [tiny]: two layers are called 'f'",
        ),
    ],
)
def test_a_wrong_layer_says_where_it_is_and_what_was_expected(layers, message):
    with pytest.raises(UsageError) as error:
        read(layers)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("", "net.toml line 1: [tiny] is a block: input missing; a network has input = [height, width, channels]"),
        ("inptu = 5\ninput = 5", "net.toml line 1: [tiny]: unknown key 'inptu'; did you mean 'input'"),
        (
            "input = [28, 28]",
            "net.toml line 1: [tiny]: network 'tiny': input is [28, 28]; expected height, width, channels",
        ),
        ("input = [9, 9, 1]\npaper = 5", "net.toml line 1: [tiny]: network 'tiny': paper is 5; expected text"),
        ('input = [9, 9, 1]\nname = "x"', "net.toml line 1: [tiny]: unknown key 'name'"),
    ],
)
def test_a_wrong_key_says_where_it_is_and_what_was_expected(head, message):
    with pytest.raises(UsageError) as error:
        read("", head)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no network in it; expected a table with input and layers"),
        ("[tiny", "not TOML: "),
        ("[tiny]\ninput = [1, 1, 1]\nlayers = 5", r"\[tiny\]: layers is 5; expected a list of layers"),
        ("number = " + "9" * 5000, "not TOML: "),
        ("lists = " + "[" * 5000, "too deeply"),
        ("[tiny]\ninput = [1, 1, 1]\nlayers = [0x1" + "0" * 5000 + "]", "layer 1 is a huge number; expected"),
    ],
)
def test_text_without_a_network_says_what_was_expected(text, message):
    with pytest.raises(UsageError, match=message):
        toml.read(text, "net.toml")


def test_of_many_networks_one_has_to_be_named():
    network = Network("n", (4, 4, 1), (Flatten(),))
    text = "".join(toml.write(replace(network, name=f"n{at}")) for at in range(20))
    known = ", ".join(f"n{at}" for at in range(20))
    with pytest.raises(UsageError, match=f"^net.toml holds 20 networks; say which: net.toml:NAME; known: {known}$"):
        toml.read(text, "net.toml")
    assert toml.read(text, "net.toml", "n7") == replace(network, name="n7")


def test_errors_take_one_line():
    with pytest.raises(CnncliError) as error:
        read('{layer = "flatten", "a\\nb" = 5}')
    assert "\n" not in str(error.value)


@given(st.text(max_size=60))
def test_arbitrary_text_is_refused_in_words(text):
    assert refused(text)


@settings(max_examples=500)
@given(words_with(toml_values), toml_values, st.sampled_from(["input", "layers", "paper", "init", "é"]))
def test_arbitrary_values_are_read_or_refused_in_words(word_and_values, value, key):
    word, chosen = word_and_values
    layer = said({"layer": word, **chosen})
    assert refused(f"[tiny]\ninput = [9, 9, 1]\nlayers = [{layer}]") in (True, False)
    assert refused(f"[tiny]\n{json.dumps(key)} = {said(value)}\n") is True


@given(networks(), st.data())
def test_a_damaged_file_is_read_or_refused_in_words(network, data):
    text = toml.write(replace(network, paper="a paper"))
    start = data.draw(st.integers(0, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=3)) + text[start + data.draw(st.integers(0, 4)) :]
    assert refused(damaged) in (True, False)
