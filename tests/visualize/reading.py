"""A report's page as a browser's parser would see it, and what must hold for every one."""

import base64
import io
import re
from html.parser import HTMLParser
from itertools import pairwise

from PIL import Image

VOID = {"meta", "img", "br", "hr", "input", "link"}
# All that a page may be made of: nothing that loads, runs or sends.
KNOWN = {
    *("html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "p", "nav", "ul", "li", "main"),
    *("section", "figure", "div", "img", "figcaption", "details", "summary", "footer", "code"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}
LOADING = {"src", "href", "srcset", "data", "action", "poster", "background", "style", "ping"}


class Page(HTMLParser):
    """What is in a page: its elements with their attributes, the text in each, and whether all are closed in turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], {}
        self.feed(text)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attributes):
        assert len({key for key, _ in attributes}) == len(attributes), f"an attribute of {tag} is there twice"
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts.setdefault(tag, []).append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag):
        return "".join(self.texts.get(tag, []))

    @property
    def pictures(self):
        """The embedded pictures, decoded."""
        found = []
        for one in self.all("img"):
            kind, _, content = one["src"].partition(",")
            assert kind == "data:image/png;base64"
            image = Image.open(io.BytesIO(base64.b64decode(content, validate=True)))
            image.load()
            found.append(image)
        return found


def checked(text):
    """The page, where it is complete in itself and can be read by all; an AssertionError says what is wrong."""
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= KNOWN
    _check_nothing_outside(page)
    _check_structure(page)
    for image, attributes in zip(page.pictures, page.all("img"), strict=True):
        assert image.size == (int(attributes["width"]), int(attributes["height"]))
        assert len(attributes["alt"].split()) > 5
    return page


def _check_nothing_outside(page):
    for tag, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on")]
        for key in LOADING & set(attributes):
            assert re.match(r"#[\w-]+$|data:image/png;base64,", attributes[key]), (tag, key, attributes[key][:80])
    style = page.text("style")
    assert not re.search(r"@import|url\(|//|expression", style)
    policies = [one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1 and policies[0].startswith("default-src 'none'; img-src data:; style-src 'sha256-")


def _check_structure(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in page.elements:
        for key in ("href", "aria-labelledby"):
            if key in attributes:
                assert attributes[key].removeprefix("#") in ids
    assert [len(page.all(one)) for one in ("h1", "main", "nav", "header", "footer", "title")] == [1] * 6
    headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1 and all(later - one <= 1 for one, later in pairwise(headings))
    assert [one["href"] for one in page.all("a")][1:] == [f"#{one['id']}" for one in page.all("section")]
    assert all(one.get("scope") in ("row", "col") for one in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    # What scrolls by itself can be reached, and has a name.
    assert all(one["tabindex"] == "0" and one["aria-label"] for one in page.all("div"))
