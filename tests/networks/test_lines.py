"""Lines of tables: where each begins, whatever stands in the strings and comments around it."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.networks.lines import Place, lines

# What could be taken for a bracket, an end, or an escape.
ODD = st.text("[]{}#\"'\\,= \n", max_size=8)
KINDS = (
    json.dumps,
    lambda text: '"""' + text.replace("\\", "\\\\").replace('"""', '""\\"') + '"""',
    lambda text: "'" + text.replace("'", "").replace("\n", "") + "'",
    lambda text: "'''" + text.replace("'''", "''") + "'''",
)
COMMENTS = ODD.map(lambda text: " # " + text.replace("\n", "") + "\n")


def is_string(text):
    try:
        return isinstance(tomllib.loads(f"a = {text}")["a"], str)
    except ValueError:
        return False


STRINGS = st.tuples(st.sampled_from(KINDS), ODD).map(lambda drawn: drawn[0](drawn[1])).filter(is_string)


class Written:
    """A text that is written piece by piece, with the line on which each table begins."""

    def __init__(self, draw):
        self.draw, self.text, self.lines = draw, "", {}

    def begin(self, keys):
        self.lines[keys] = self.text.count("\n") + 1

    def value(self, keys, depth=2):
        """A string, a list over several lines, or a table."""
        kind = self.draw(st.sampled_from(["string", "list", "table"])) if depth else "string"
        parts = self.draw(st.integers(0, 3))
        if kind == "string":
            self.text += self.draw(STRINGS)
        elif kind == "list":
            self.text += "["
            for at in range(parts):
                self.text += self.draw(COMMENTS)
                self.value((*keys, at), depth - 1)
                self.text += ","
            self.text += self.draw(COMMENTS) + "]"
        else:
            self.begin(keys)
            self.text += "{ "
            for at in range(parts):
                self.text += f"{', ' * (at > 0)}k{at} = "
                self.value((*keys, f"k{at}"), depth - 1)
            self.text += "}"

    def tables(self):
        """Tables under headers, some of them in an array, some inside another."""
        for at in range(self.draw(st.integers(1, 4))):
            header, keys = self.draw(
                st.sampled_from(
                    [(f"[t{at}]", (f"t{at}",)), (f"  [[ t{at} ]]", (f"t{at}", 0)), (f'["[".t{at}]', ("[", f"t{at}"))]
                )
            )
            self.text += self.draw(COMMENTS)
            self.begin(keys)
            self.text += header + self.draw(st.one_of(st.just("\n"), COMMENTS))
            for key in range(self.draw(st.integers(0, 3))):
                self.text += f"k{key} = "
                self.value((*keys, f"k{key}"))
                self.text += self.draw(COMMENTS)


@given(st.data())
def test_each_table_has_the_line_it_begins_on(data):
    written = Written(data.draw)
    written.tables()
    tomllib.loads(written.text)
    assert lines(written.text) == written.lines


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a]", {("a",): 1}),
        ("\n[a]\r\n[b]\r\nx = {}\r\n", {("a",): 2, ("b",): 3, ("b", "x"): 4}),
        ("[[a.b]]\n[[a.b]]\n[a.b.c]", {("a", "b", 0): 1, ("a", "b", 1): 2, ("a", "b", 1, "c"): 3}),
        ("a.b = 5\nc.d = { e.f = {} }", {("c", "d"): 2, ("c", "d", "e", "f"): 2}),
        ("x = [\n[1],\n[ # {\n{}]]", {("x", 1, 0): 4}),
        ('[a]\nx = """\n[b]\\"""""\ny = \'\'\'\n{\'\'\'\'\'\nz = "{\\""\n[c]', {("a",): 1, ("c",): 7}),
        ('[a]\n"\\u0000" = 3', {}),
        ("[a", {}),
    ],
)
def test_lines_of_a_text(text, found):
    assert lines(text) == found


def test_a_place_has_the_line_of_the_innermost_table_that_is_known():
    tiny = Place("net.toml", {("tiny",): 3, ("tiny", "layers", 1): 5}).inside("tiny", said="[tiny]")
    layers = tiny.inside("layers", said="layer")
    assert str(tiny) == "net.toml line 3: [tiny]"
    assert str(layers.inside(0, said="1")) == "net.toml line 3: [tiny] layer 1"
    assert str(layers.inside(1, said="2").inside("window", 0, said="window 1")) == (
        "net.toml line 5: [tiny] layer 2 window 1"
    )
    assert str(Place("net.toml").inside("tiny", said="[tiny]")) == "net.toml: [tiny]"
