"""Graphs as text: every layer once, every edge once, and no name that breaks the syntax."""

import html
import re
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cnncli.diagrams.diagram import parts, walk
from cnncli.diagrams.graphs import dot, graph, mermaid
from cnncli.drawing.names import plain
from cnncli.networks.catalogue import find
from cnncli.networks.layers import AuxiliaryHead, Branches, Conv, Dense, Flatten, Group, Residual
from cnncli.networks.network import Network
from cnncli.sizing.size import show, size
from tests.strategies import networks


def read_dot(text):
    """The lines on each node, and the edges, as Graphviz reads them."""
    nodes = re.findall(r'^ +(n\d+) \[label="((?:[^"\\]|\\.)*)", color=', text, re.M)
    assert len(nodes) == text.count(", fillcolor=")
    return {key: unescaped(label).split("\n") for key, label in nodes}, re.findall(r"^  (n\d+) -> (n\d+);$", text, re.M)


def unescaped(label):
    return html.unescape(re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], label))


def read_mermaid(text):
    """The same as Mermaid reads them."""
    nodes = re.findall(r'^ +(n\d+)(?:\["([^"]*)"\]|\(\("([^"]*)"\)\)):::[a-z-]+$', text, re.M)
    edges = re.findall(r"^  (n\d+) --> (n\d+)$", text, re.M)
    return {key: [entities(line) for line in (box or round).split("<br/>")] for key, box, round in nodes}, edges


def entities(text):
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


READERS = [(dot, read_dot), (mermaid, read_mermaid)]


def reached(edges, start, forward=True):
    """The keys one can come to from a start, along edges or against them."""
    found, new = {start}, [start]
    while new:
        here = new.pop()
        ahead = {(b if forward else a) for a, b in edges if (a if forward else b) == here} - found
        found |= ahead
        new += ahead
    return found


@pytest.mark.parametrize(("write", "read"), READERS, ids=["dot", "mermaid"])
@given(networks(depth=3))
def test_every_layer_is_a_node_once_and_nothing_is_apart(write, read, network):
    nodes, edges = read(write(graph(network)))
    report = size(network)
    layers = {row.path for row in report.rows if row.kind not in ("concat", "add")}
    assert len(nodes) == 1 + len(report.rows)
    assert Counter(lines[0] for lines in nodes.values() if lines[0] in layers) == Counter(layers)
    assert nodes["n0"] == ["input", show(network.input)]
    assert reached(edges, "n0") == nodes.keys()
    if not report.has_heads:
        (output,) = nodes.keys() - {source for source, _ in edges}
        assert reached(edges, output, forward=False) == nodes.keys()


@given(networks(depth=3))
def test_edges_go_as_the_layers_do(network):
    nodes, edges = read_dot(dot(graph(network)))
    incoming = Counter(target for _, target in edges)
    joins = sorted(
        2 if isinstance(part.layer, Residual) else len(part.ways)
        for part in walk(parts(network))
        if isinstance(part.layer, Branches | Residual)
    )
    met = [key for key, lines in nodes.items() if lines == ["+"] or (lines[0] == "concat" and len(lines) == 2)]
    assert sorted(incoming[key] for key in met) == joins
    assert {incoming[key] for key in nodes if key not in met and key != "n0"} <= {1}
    assert incoming["n0"] == 0
    assert all(int(source[1:]) < int(target[1:]) for source, target in edges), "a circle"


@given(networks(depth=3))
def test_both_languages_say_the_same(network):
    drawn = graph(network)
    assert read_dot(dot(drawn)) == read_mermaid(mermaid(drawn))


def test_a_module_is_four_ways_that_meet():
    nodes, edges = read_dot(dot(graph(find("inception-naive"))))
    names = {key: lines[0] for key, lines in nodes.items()}
    named = [(names[source], names[target]) for source, target in edges]
    assert [pair for pair in named if pair[0] == "input"] == [("input", way) for way in ("1x1", "3x3", "5x5", "pool")]
    assert [pair for pair in named if pair[1] == "concat"] == [
        (way, "concat") for way in ("relu1", "relu2", "relu3", "pool")
    ]
    assert nodes["n1"] == ["1x1", "conv 1x1, 128", "28x28x128"]


def test_an_identity_is_an_edge_from_before_the_body():
    network = Network("net", (4, 4, 2), (Conv(2, 1, name="stem"), Residual((Conv(2, 1, name="body"),))))
    assert read_dot(dot(graph(network)))[1] == [("n0", "n1"), ("n1", "n2"), ("n2", "n3"), ("n1", "n3")]


def test_nothing_goes_on_behind_an_auxiliary_head():
    head = AuxiliaryHead((Flatten(), Dense(2)), name="head")
    text = dot(graph(Network("net", (4, 4, 2), (head, Conv(2, 1)))))
    assert read_dot(text)[1] == [("n0", "n2"), ("n2", "n3"), ("n0", "n4")]
    assert 'label="head"; labeljust=l; style=dashed' in text


def test_groups_are_clusters_and_can_be_folded():
    network = find("resnet18")
    assert dot(graph(network)).count("subgraph cluster_") == 4 + 8
    assert mermaid(graph(network)).count("subgraph n") == 4 + 8
    folded = graph(network, 2)
    assert dot(folded).count("subgraph cluster_") == 4
    (block,) = (node for node in folded.nodes if node.lines[0] == "conv3/block1")
    assert block.lines == ("conv3/block1", "conv 3x3/2, 128", "conv 3x3, 128", "+ conv 1x1/2, 128", "28x28x128")
    assert len(graph(network, 1).nodes) == 1 + len(network.layers)


def test_a_folded_head_ends_too():
    drawn = graph(find("googlenet"), 1)
    (head,) = (node.key for node in drawn.nodes if node.lines[0] == "head4a")
    assert [edge for edge in drawn.edges if edge[0] == head] == []
    assert len([edge for edge in drawn.edges if edge[1] == head]) == 1


NAMES = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/._"), min_size=1, max_size=12)


@given(NAMES, NAMES, st.text(max_size=20))
@example("&amp;\\n#35;", '<b>"`$', '"\\N\n&lt;')
def test_names_are_read_back_whatever_is_in_them(layer, group, network):
    conv = Conv(1, 1, name=layer)
    drawn = graph(Network(network, (1, 1, 1), (Group((conv,), name=group),)))
    for write, read in READERS:
        assert read(write(drawn))[0]["n2"] == [f"{group}/{layer}", "conv 1x1, 1", "1x1x1"]
    (title,) = re.findall(r'^digraph "((?:[^"\\]|\\.)*)" \{$', dot(drawn), re.M)
    assert html.unescape(re.sub(r"\\(.)", r"\1", title)) == plain(network)
    assert mermaid(drawn).splitlines()[2:4] == ["---", "flowchart TD"]


def test_a_network_without_layers_is_its_input():
    assert [node.lines for node in graph(Network("none", (2, 2, 1), ())).nodes] == [("input", "2x2x1")]
