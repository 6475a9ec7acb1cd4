"""A network as the source of a graph, for Graphviz (`dot`) and for Mermaid: every layer and every edge once."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cnncli.diagrams.diagram import Part, gist, parts
from cnncli.diagrams.labels import KINDS, details, title
from cnncli.drawing.names import plain
from cnncli.drawing.palette import dark, pale
from cnncli.networks.layers import AuxiliaryHead, Branches, Group, Residual
from cnncli.networks.network import Network
from cnncli.sizing.size import show


@dataclass(frozen=True)
class Node:
    """A layer, the input, a place where ways meet, or a folded group: its key, the lines on it, and what it is."""

    key: str
    lines: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Cluster:
    """A group or auxiliary head around what is in it."""

    key: str
    name: str
    members: tuple["Node | Cluster", ...]
    head: bool = False


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of the layers, some of them in clusters, and edges from key to key."""

    name: str
    members: tuple[Node | Cluster, ...]
    edges: tuple[tuple[str, str], ...]

    @property
    def nodes(self) -> list[Node]:
        """All nodes, those in clusters among them."""
        return list(_nodes(self.members))


def _nodes(members: tuple[Node | Cluster, ...]) -> Iterator[Node]:
    for member in members:
        if isinstance(member, Node):
            yield member
        else:
            yield from _nodes(member.members)


def graph(network: Network, depth: int | None = None) -> Graph:
    """The graph of a network, its groups and heads opened to `depth`, or all of them.

    Where branches meet there is a node `concat`, where a residual is added a node `+`. Raises UsageError where the
    network cannot be at its input.
    """
    begun = _Drawn()
    input = begun.node(("input", show(network.input)), "input")
    members = begun.chain(parts(network), depth or -1)
    return Graph(plain(network.name), (input, *members), tuple(begun.edges))


@dataclass
class _Drawn:
    """What has been drawn so far: edges, and the keys of the nodes from which the next edges go."""

    edges: list[tuple[str, str]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    count: int = 0

    def key(self) -> str:
        """A new name."""
        self.count += 1
        return f"n{self.count - 1}"

    def node(self, lines: tuple[str, ...], kind: str) -> Node:
        """A node behind what there is."""
        node = Node(self.key(), tuple(line for line in lines if line), kind)
        self.edges += [(end, node.key) for end in self.ends]
        self.ends = [node.key]
        return node

    def chain(self, chain: tuple[Part, ...], depth: int) -> tuple[Node | Cluster, ...]:
        """The members of a chain."""
        return tuple(member for part in chain for member in self.part(part, depth))

    def part(self, part: Part, depth: int) -> tuple[Node | Cluster, ...]:
        """The members of a part: one, or those of its ways and the node in which they meet."""
        match part.layer:
            case Group() | AuxiliaryHead():
                return (self.group(part, depth),)
            case Branches() | Residual():
                return self.ways(part, depth)
            case layer:
                said = ", ".join([title(layer), *details(layer)])
                return (self.node((part.path, said, show(part.output)), KINDS[type(layer)]),)

    def ways(self, part: Part, depth: int) -> tuple[Node | Cluster, ...]:
        """The members of every way, and the node in which they meet."""
        before, ends, members = self.ends, list[str](), list[Node | Cluster]()
        for way in part.ways:
            self.ends = before
            members += self.chain(way, depth)
            ends += self.ends
        self.ends = ends
        joined = ("concat", show(part.output)) if isinstance(part.layer, Branches) else ("+",)
        return (*members, self.node(joined, "join"))

    def group(self, part: Part, depth: int) -> Node | Cluster:
        """A group or head, opened or folded; nothing goes on behind a head."""
        head, before = isinstance(part.layer, AuxiliaryHead), self.ends
        drawn: Node | Cluster
        if depth == 1:
            drawn = self.node((part.path, *gist(part.ways[0]), show(part.output)), KINDS[type(part.layer)])
        else:
            drawn = Cluster(self.key(), part.name, self.chain(part.ways[0], depth - 1), head)
        if head:
            self.ends = before
        return drawn


def dot(graph: Graph) -> str:
    """The source for Graphviz."""
    name = _quoted(graph.name)
    lines = [f"digraph {name} {{", f"  label={name}; labelloc=t; fontname=Helvetica; fontsize=18;"]
    lines.append('  node [shape=box, style="rounded,filled", fontname=Helvetica, fontsize=11];')
    lines += [f"  {line}" for member in graph.members for line in _dot(member)]
    lines += [f"  {source} -> {target};" for source, target in graph.edges]
    return "\n".join([*lines, "}", ""])


def _dot(member: Node | Cluster) -> list[str]:
    if isinstance(member, Cluster):
        look = "dashed" if member.head else "rounded"
        inside = [f"  {line}" for inner in member.members for line in _dot(inner)]
        about = f"  label={_quoted(member.name)}; labeljust=l; style={look}; fontname=Helvetica; fontsize=12;"
        return [f"subgraph cluster_{member.key} {{", about, *inside, "}"]
    label = r"\n".join(_escaped(line) for line in member.lines)
    shape = ", shape=circle" if member.lines == ("+",) else ""
    return [f'{member.key} [label="{label}", color="{dark(member.kind)}", fillcolor="{pale(member.kind)}"{shape}];']


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Text inside quotes, in which Graphviz reads escapes and HTML's entities."""
    return plain(text).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def mermaid(graph: Graph) -> str:
    """The source for Mermaid, a flowchart."""
    lines = ["---", f"title: {json.dumps(graph.name, ensure_ascii=False)}", "---", "flowchart TD"]
    lines += [f"  {line}" for member in graph.members for line in _mermaid(member)]
    lines += [f"  {source} --> {target}" for source, target in graph.edges]
    for kind in sorted({node.kind for node in graph.nodes}):
        lines.append(f"  classDef {_class(kind)} fill:{pale(kind)},stroke:{dark(kind)},color:#222222")
    return "\n".join([*lines, ""])


def _mermaid(member: Node | Cluster) -> list[str]:
    if isinstance(member, Cluster):
        inside = [f"  {line}" for inner in member.members for line in _mermaid(inner)]
        dashed = [f"style {member.key} stroke-dasharray:4 3"] if member.head else []
        return [f'subgraph {member.key}["{_entities(member.name)}"]', *inside, "end", *dashed]
    label = "<br/>".join(map(_entities, member.lines))
    shaped = f'(("{label}"))' if member.lines == ("+",) else f'["{label}"]'
    return [f"{member.key}{shaped}:::{_class(member.kind)}"]


def _class(kind: str) -> str:
    return kind.replace(" ", "-")


def _entities(text: str) -> str:
    """Text inside quotes: all that Mermaid or Markdown might read as more than text as its number."""
    return re.sub(r"[^\w ,:/+-]", lambda found: f"#{ord(found[0])};", plain(text))
