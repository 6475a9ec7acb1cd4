"""Blocks and repeats: what is short is the network that is written out, and what cannot be says where and why."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.networks import toml
from cnncli.networks.blocks import MOST
from cnncli.networks.layers import Activation, Branches, Conv, Flatten, Group, Residual
from tests.networks.written import document, refused
from tests.strategies import toml_values

RELU = '{ layer = "activation", kind = "relu" }'
TWO = '[two]\nlayers = [{ layer = "conv", features = 4, window = 3 },\n{ layer = "activation", kind = "relu" }]\n'
CONV, ACTIVATION = Conv(4, 3), Activation("relu")


def read(layers, blocks=""):
    return toml.read(f"[net]\ninput = [9, 9, 1]\nlayers = [{layers}]\n{blocks}", "net.toml", "net")


def error(layers, blocks=""):
    with pytest.raises(UsageError) as raised:
        read(layers, blocks)
    return str(raised.value)


@pytest.mark.parametrize(
    ("entry", "layers"),
    [
        ('{ block = "two" }', (CONV, ACTIVATION)),
        ('{ block = "two", name = "b" }', (Group((CONV, ACTIVATION), name="b"),)),
        ('{ block = "two", name = "" }', (CONV, ACTIVATION)),
        ('{ block = "two", repeat = 2 }', (CONV, ACTIVATION, CONV, ACTIVATION)),
        (
            '{ block = "two", repeat = 2, name = "b" }',
            (Group((CONV, ACTIVATION), name="b1"), Group((CONV, ACTIVATION), name="b2")),
        ),
        ('{ layer = "flatten", repeat = 3 }', (Flatten(),) * 3),
        ('{ layer = "flatten", repeat = 1, name = "f" }', (Flatten(name="f1"),)),
        ('{ layer = "flatten", repeat = 2, name = "f" }', (Flatten(name="f1"), Flatten(name="f2"))),
        (
            '{ layer = "group", repeat = 2, name = "g", layers = [{ layer = "flatten", name = "f" }] }',
            (Group((Flatten(name="f"),), name="g1"), Group((Flatten(name="f"),), name="g2")),
        ),
        (f"{{ repeat = 2, layers = [{RELU}, {{ layer = 'flatten' }}] }}", (ACTIVATION, Flatten()) * 2),
        (
            '{ repeat = 2, name = "s", layers = [{ block = "two" }] }',
            (Group((CONV, ACTIVATION), name="s1"), Group((CONV, ACTIVATION), name="s2")),
        ),
        (
            '{ repeat = 2, layers = [{ layer = "flatten", repeat = 2 }, { block = "two" }] }',
            (Flatten(), Flatten(), CONV, ACTIVATION) * 2,
        ),
        (
            '{ layer = "residual", body = [{ block = "two", repeat = 2 }], shortcut = [{ block = "two" }] }',
            (Residual((CONV, ACTIVATION) * 2, (CONV, ACTIVATION)),),
        ),
        (
            f'{{ layer = "branches", branches = [[{{ block = "two" }}, {RELU}], [], [{{ block = "two" }}]] }}',
            (Branches(((CONV, ACTIVATION, ACTIVATION), (), (CONV, ACTIVATION))),),
        ),
        ('{ block = "none", repeat = 1000000000 }', ()),
    ],
)
def test_what_is_short_stands_for_layers(entry, layers):
    assert read(entry, f"{TWO}[none]\nlayers = []\n").layers == layers


def test_blocks_use_blocks():
    blocks = (
        f'{TWO}[four]\nlayers = [{{ block = "two", repeat = 2 }}]\n[five]\nlayers = [{{ block = "four" }}, {RELU}]\n'
    )
    assert read('{ block = "five" }, { block = "two" }', blocks).layers == (
        *(CONV, ACTIVATION, CONV, ACTIVATION, ACTIVATION),
        *(CONV, ACTIVATION),
    )


def test_the_only_network_of_a_file_of_blocks_needs_no_name():
    assert toml.read(f'{TWO}[net]\ninput = [9, 9, 1]\nlayers = [{{ block = "two" }}]', "net.toml").name == "net"


@pytest.mark.parametrize(
    ("layers", "blocks", "message"),
    [
        (
            '{ block = "tow" }',
            TWO,
            "net.toml line 3: [net] layer 1: no block 'tow'; did you mean 'two'?",
        ),
        (
            '{ block = "two" }',
            "",
            "net.toml line 3: [net] layer 1: no block 'two'; a block is a table of layers without input",
        ),
        (
            "{ block = 5 }",
            TWO,
            "net.toml line 3: [net] layer 1: no block 5; a block is a table of layers without input",
        ),
        (
            '{ block = "net" }',
            TWO,
            "net.toml line 3: [net] layer 1: 'net' is a network; a block is a table without input",
        ),
        (
            '{ block = "two", features = 5 }',
            TWO,
            "net.toml line 3: [net] layer 1: unknown key 'features'; known: block, name, repeat",
        ),
        (
            '{ block = "two", name = "a/b" }',
            TWO,
            "net.toml line 3: [net] layer 1: group 'a/b': name is 'a/b'; expected text without slash, dot or blank, "
            "not beginning with an underscore",
        ),
        (
            '{ block = "wrong" }',
            '[wrong]\nlayers = [\n{ layer = "flatten" },\n{ layer = "conv", fetures = 6 }]',
            "net.toml line 7: [wrong] layer 2 (conv): unknown key 'fetures'; did you mean 'features'?",
        ),
        (
            '{ block = "wrong" }',
            "[wrong]\nlayer = 5\nlayers = []",
            "net.toml line 4: [wrong]: unknown key 'layer'; did you mean 'layers'?",
        ),
        (
            '{ block = "wrong" }',
            "[wrong]\nlayers = 5",
            "net.toml line 4: [wrong]: layers is 5; expected a list of layers",
        ),
        (
            '{ block = "a" }',
            '[a]\nlayers = [{ block = "b" }]\n[b]\nlayers = [\n{ block = "c" }]\n[c]\nlayers = [{ block = "b" }]',
            "net.toml line 10: [c] layer 1: blocks use each other in a circle: b -> c -> b",
        ),
        (
            '{ layer = "flatten", repeat = 0 }',
            "",
            "net.toml line 3: [net] layer 1: repeat is 0; expected a whole number of at least 1",
        ),
        (
            '{ layer = "flatten", repeat = "3" }',
            "",
            "net.toml line 3: [net] layer 1: repeat is '3'; expected a whole number of at least 1",
        ),
        (
            '{ layer = "flatten", repeet = 3 }',
            "",
            "net.toml line 3: [net] layer 1 (flatten): unknown key 'repeet'; did you mean 'repeat'?",
        ),
        ("{ repeat = 3 }", "", "net.toml line 3: [net] layer 1: layers missing"),
        (
            "{ repeat = 3, layrs = [] }",
            "",
            "net.toml line 3: [net] layer 1: unknown key 'layrs'; did you mean 'layers'?",
        ),
        (
            "{ repeat = 3, layers = [\n{ layer = 'conv', features = 6 }] }",
            "",
            "net.toml line 4: [net] layer 1 layers 1 (conv): window missing",
        ),
        (
            "{ repeat = 3, layers = 5 }",
            "",
            "net.toml line 3: [net] layer 1: group: layers is 5; expected a list of layers",
        ),
        (
            "{ layers = [] }",
            "",
            "net.toml line 3: [net] layer 1 is {'layers': []}; expected a table such as "
            '{ layer = "conv", ... } or { block = "name" }',
        ),
        (
            '{ layer = "residual", body = { block = "two" } }',
            TWO,
            "net.toml line 3: [net] layer 1 (residual): residual: body is {'block': 'two'}; expected a list of layers",
        ),
        (
            '{ layer = "flatten", name = "f", repeat = 2 }, { layer = "flatten", name = "f2" }',
            "",
            "net.toml line 1: [net]: two layers are called 'f2'; expected a name of its own for each",
        ),
    ],
)
def test_what_cannot_be_says_where_and_why(layers, blocks, message):
    assert error(layers, blocks) == message


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (
            TWO,
            "",
            "net.toml line 1: [two] is a block: input missing; a network has input = [height, width, channels]",
        ),
        (
            f"{TWO}[net]\ninput = [9, 9, 1]\nlayers = []",
            "two",
            "net.toml line 1: [two] is a block: input missing; a network has input = [height, width, channels]",
        ),
        (
            "[net]\ninptu = [9, 9, 1]\nlayers = []",
            "",
            "net.toml line 1: [net]: unknown key 'inptu'; did you mean 'input' or 'init' or 'variant'?",
        ),
        ("\n[net]\ninput = [9, 9, 1]", "", "net.toml line 2: [net]: layers missing"),
        (
            f"{TWO}[three]\nlayers = []",
            "",
            "net.toml: no network in it; expected a table with input and layers, as in [tiny]",
        ),
        (f"{TWO}[net]\ninput = [9, 9, 1]\nlayers = []", "ne", "net.toml: no network 'ne'; did you mean 'net'?"),
        (
            f"{TWO}[net]\ninput = [9, 9, 1]\nlayers = []\n[quick]\nepochs = 1",
            "quick",
            "net.toml: no network 'quick'; that table has no layers",
        ),
    ],
)
def test_a_file_without_the_network_says_what_it_lacks(text, name, message):
    with pytest.raises(UsageError) as raised:
        toml.read(text, "net.toml", name)
    assert str(raised.value) == message


def test_a_line_that_is_not_known_is_not_claimed():
    text = "net.input = [9, 9, 1]\nnet.layers = [5]"
    with pytest.raises(UsageError, match=r"^net.toml: \[net\] layer 1 is 5; expected"):
        toml.read(text, "net.toml")


def doubled(times):
    """Blocks each of which is twice the one before."""
    blocks = "".join(f'[b{at}]\nlayers = [{{ block = "b{at + 1}", repeat = 2 }}]\n' for at in range(times))
    return f"{blocks}[b{times}]\nlayers = [{RELU}]"


def test_the_bound_is_exact():
    assert len(read(f'{{ layer = "flatten", repeat = {MOST} }}').layers) == MOST
    assert error(f'{{ layer = "flatten", repeat = {MOST + 1} }}') == (
        "net.toml line 3: [net] layer 1: more than 10,000 layers, with blocks and repeats written out"
    )
    assert len(read('{ block = "b0" }', doubled(13)).layers) == 2**13


@pytest.mark.parametrize(
    ("layers", "blocks", "place"),
    [
        ('{ block = "b0" }', doubled(60), "line 97: [b46] layer 1"),
        (f'{{ layer = "flatten", repeat = {2**31 - 1} }}', "", "line 3: [net] layer 1"),
        (f'{{ block = "none", name = "b", repeat = {2**31 - 1} }}', "[none]\nlayers = []", "line 3: [net] layer 1"),
        ('{ layer = "flatten", repeat = 9999 }, { block = "two" }', TWO, "line 3: [net] layer 2"),
        (
            '{ layer = "branches", branches = [' + '[{ block = "b0" }], ' * 1000 + "] }",
            doubled(12),
            "line 3: [net] layer 1 (branches) branches 3",
        ),
        (
            '{ layer = "residual", body = [{ block = "b0" }], shortcut = [{ block = "b0" }] }',
            doubled(13),
            "line 3: [net] layer 1",
        ),
    ],
)
def test_what_would_fill_the_memory_is_refused_before_it_does(layers, blocks, place):
    began = time.monotonic()
    assert error(layers, blocks) == (f"net.toml {place}: more than 10,000 layers, with blocks and repeats written out")
    assert time.monotonic() - began < 5


def test_blocks_too_deep_inside_each_other_are_refused():
    blocks = "".join(f'[b{at}]\nlayers = [{{ block = "b{at + 1}" }}]\n' for at in range(2000))
    assert error('{ block = "b0" }', f"{blocks}[b2000]\nlayers = []").endswith("too deeply")


# Layers as TOML has them, and what stands for layers: blocks by a number, which may use those of a smaller one.
WORDS = st.sampled_from(
    [
        {"layer": "flatten"},
        {"layer": "conv", "features": 4, "window": [3, 1], "padding": [0, 0, 1, 1]},
        {"layer": "activation", "kind": "relu"},
        {"layer": "partial-conv", "table": [[0], [0, 1]], "window": 3},
    ]
)


@st.composite
def short(draw, blocks, depth=2):
    """A list of entries, some of which repeat, have names, or stand for a block."""
    entries = []
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["word", "word", "block", "repeat", "tree"])) if depth else "word"
        if kind == "block" and blocks:
            entry = {"block": f"b{draw(st.integers(0, blocks - 1))}"}
        elif kind == "repeat":
            entry = {"repeat": 1, "layers": draw(short(blocks, depth - 1))}
        elif kind == "tree":
            ways = [draw(short(blocks, depth - 1)) for _ in range(2)]
            words = {"residual": {"body": ways[0], "shortcut": ways[1]}, "branches": {"branches": ways}}
            word = draw(st.sampled_from(sorted(words)))
            entry = {"layer": word, **words[word]}
        else:
            entry = dict(draw(WORDS))
        if draw(st.booleans()) or "repeat" in entry:
            entry["repeat"] = draw(st.integers(1, 3))
        if draw(st.booleans()):
            entry["name"] = draw(st.sampled_from("abc"))
        entries.append(entry)
    return entries


@st.composite
def files(draw):
    tables = {f"b{at}": {"layers": draw(short(at))} for at in range(draw(st.integers(0, 3)))}
    return {**tables, "net": {"input": [9, 9, 1], "layers": draw(short(len(tables), 3))}}


def written_out(entries, tables):
    """The same entries by hand: words only, nothing that repeats."""
    if not isinstance(entries, list):
        return entries
    result = []
    for entry in entries:
        if not isinstance(entry, dict):
            result.append(written_out(entry, tables))
            continue
        name, times = entry.get("name"), entry.get("repeat", 1)
        for number in range(1, times + 1):
            numbered = {"name": f"{name}{number}" if "repeat" in entry else name} if name else {}
            if "layer" in entry:
                fields = {key: written_out(value, tables) for key, value in entry.items() if key != "repeat"}
                result.append({**fields, **numbered})
                continue
            inside = written_out(tables[entry["block"]]["layers"] if "block" in entry else entry["layers"], tables)
            result += [{"layer": "group", **numbered, "layers": inside}] if name else inside
    return result


@given(files())
def test_what_is_short_is_the_network_written_out_by_hand(tables):
    by_hand = document({"net": {"input": [9, 9, 1], "layers": written_out(tables["net"]["layers"], tables)}})
    if refused(by_hand):  # Two layers of one name.
        assert refused(document(tables), "net")
        return
    network = toml.read(document(tables), "net.toml", "net")
    assert network == toml.read(by_hand, "net.toml")
    assert toml.read(toml.write(network), "net.toml") == network


@given(files(), st.data())
def test_a_damaged_file_is_read_or_refused_in_words(tables, data):
    text = document(tables)
    start = data.draw(st.integers(0, len(text)))
    damaged = text[:start] + data.draw(st.text(max_size=3)) + text[start + data.draw(st.integers(0, 6)) :]
    assert refused(damaged, "net") in (True, False)


@given(files(), toml_values, st.sampled_from(["block", "repeat", "layers", "name", "layer"]), st.data())
def test_a_file_with_any_value_anywhere_is_read_or_refused_in_words(tables, value, key, data):
    inside = [entry for table in tables.values() for entry in table["layers"]]
    data.draw(st.sampled_from([*inside, tables["net"]]))[key] = value
    assert refused(document(tables), "net") in (True, False)
