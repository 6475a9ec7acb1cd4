"""A run's report: one HTML page with its facts and pictures inside, which needs nothing else and runs no script."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import unpack

from cnncli.visualize.markup import Html, element, joined
from cnncli.visualize.stylesheet import STYLE


@dataclass(frozen=True)
class Picture:
    """The bytes of a PNG, what is seen in it, in words, and how it is to be read."""

    content: bytes
    seen: str
    note: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        # The header of a PNG begins with them, behind its signature, length and name.
        width, height = unpack(">II", self.content[16:24])
        return width, height


@dataclass(frozen=True)
class Table:
    """A caption, the heads of the columns, if it has any, and rows; the first cell of a row names it."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of the page, each of its parts where there is one; `name` is its anchor, `command` shows more of it.

    A table beside a picture has the same in words and numbers, and is folded away.
    """

    name: str
    title: str
    sentences: Sequence[str] = ()
    picture: Picture | None = None
    table: Table | None = None
    command: str = ""


@dataclass(frozen=True)
class Report:
    """The page's heading, what there is to say in a sentence, its sections, and where all of it comes from."""

    title: str
    lead: str
    sections: Sequence[Section]
    about: Mapping[str, str]


def page(report: Report) -> str:
    """A report as the text of an HTML file. Whatever it says is escaped."""
    head = element("head", *_head(report))
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#content"),
        element("header", element("h1", report.title), element("p", report.lead, class_="lead")),
        element("nav", element("ul", *map(_entry, report.sections)), aria_label="Sections"),
        element("main", *map(_section, report.sections), id="content", tabindex=-1),
        element("footer", *_footer(report.about)),
    )
    return "<!DOCTYPE html>\n" + element("html", "\n", head, "\n", body, "\n", lang="en") + "\n"


def _head(report: Report) -> Iterator[Html]:
    # The browser itself refuses whatever is not inside the page, should it ever ask for it.
    style = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    yield element("meta", charset="utf-8")
    yield element("meta", http_equiv="Content-Security-Policy", content=policy)
    yield element("meta", name="viewport", content="width=device-width, initial-scale=1")
    yield element("meta", name="color-scheme", content="light dark")
    yield element("title", report.title)
    yield element("style", Html(STYLE))


def _entry(section: Section) -> Html:
    return element("li", element("a", section.title, href=f"#{section.name}"))


def _section(section: Section) -> Html:
    heading = f"{section.name}-title"
    parts = [element("h2", section.title, id=heading), *(element("p", one) for one in section.sentences)]
    if section.picture:
        parts.append(_figure(section.picture, section.title))
    if section.table and section.picture:
        parts.append(element("details", element("summary", section.table.caption), _table(section.table)))
    elif section.table:
        parts.append(_table(section.table))
    if section.command:
        parts.append(element("p", "Look further: ", element("code", section.command), class_="more"))
    return joined("\n", element("section", *parts, id=section.name, aria_labelledby=heading))


def _figure(picture: Picture, title: str) -> Html:
    width, height = picture.size
    source = "data:image/png;base64," + b64encode(picture.content).decode()
    image = element("img", src=source, alt=picture.seen, width=width, height=height)
    note = [element("figcaption", picture.note)] if picture.note else []
    return element("figure", _scrolling(image, f"Picture: {title}"), *note)


def _table(table: Table) -> Html:
    heads = [element("th", head, scope="col") for head in table.heads]
    top = [element("thead", element("tr", *heads))] if heads else []
    rows = [
        element("tr", element("th", first, scope="row"), *(element("td", one) for one in others))
        for first, *others in table.rows
    ]
    inside = [element("caption", table.caption), *top, element("tbody", *rows)]
    return _scrolling(element("table", *inside, **({"class_": "figures"} if heads else {})), f"Table: {table.caption}")


def _scrolling(wide: Html, label: str) -> Html:
    """What may be wider than the page, in a box that scrolls by itself, with the keyboard, too."""
    return element("div", wide, class_="scroll", role="group", tabindex=0, aria_label=label)


def _footer(about: Mapping[str, str]) -> Iterator[Html]:
    yield element("p", "Where this page comes from. It is complete in itself: it loads nothing and runs no script.")
    for key, value in about.items():
        yield element("p", f"{key}: ", element("code", value))
