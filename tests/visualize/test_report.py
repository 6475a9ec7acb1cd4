"""A report's page: complete in itself, readable by all, and safe whatever it is told."""

import base64
import hashlib
import re

from matplotlib.figure import Figure

from cnncli.drawing.figure import encoded
from cnncli.visualize.report import Picture, Report, Section, Table, page
from cnncli.visualize.stylesheet import STYLE
from tests.visualize.reading import Page, checked

PICTURE = Picture(encoded(Figure((2, 1), dpi=100)), "nothing but white is to be seen here", "A note.")
TABLE = Table("Numbers", ("class", "count"), [("ant", "1"), ("bee", "2")])

HOSTILE = "\"><script src=http://evil.example/x.js></script><img src=x onerror=alert(1)> & </title> '\x00\udc80"


def made(*sections, title="lenet5-1: lenet5 on digits", lead="Nine of ten.", about=None):
    return page(Report(title, lead, sections, about or {"Seed": "0"}))


def test_a_page_is_well_formed_and_complete_in_itself():
    found = checked(made(Section("one", "First", ["Said."], PICTURE, TABLE, "cnncli x"), Section("two", "Second")))
    assert found.text("h1") == found.text("title") == "lenet5-1: lenet5 on digits"
    assert found.text("h2") == "FirstSecond"
    assert [one.size for one in found.pictures] == [(200, 100)]
    assert (found.text("figcaption"), found.text("code")) == ("A note.", "cnncli x0")
    assert [one["href"] for one in found.all("a")] == ["#content", "#one", "#two"]


def test_a_table_beside_a_picture_is_folded_and_one_by_itself_is_not():
    assert len(checked(made(Section("one", "First", picture=PICTURE, table=TABLE))).all("details")) == 1
    alone = checked(made(Section("one", "First", table=TABLE)))
    assert alone.all("details") == []
    assert [one["scope"] for one in alone.all("th")] == ["col", "col", "row", "row"]
    assert alone.text("td") == "12"
    assert checked(made(Section("one", "First", table=Table("Facts", (), [("a", "b")])))).all("thead") == []


def test_the_browser_is_told_to_refuse_all_but_this_style_and_these_pictures():
    text = made(Section("one", "First", picture=PICTURE))
    inside = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
    assert inside == STYLE
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    policy = next(one["content"] for one in Page(text).all("meta") if "http-equiv" in one)
    assert policy.split("; ")[:3] == ["default-src 'none'", "img-src data:", f"style-src 'sha256-{digest}'"]


def test_hostile_words_stay_words():
    picture = Picture(PICTURE.content, HOSTILE, HOSTILE)
    table = Table(HOSTILE, (HOSTILE, HOSTILE), [(HOSTILE, HOSTILE)])
    text = made(
        Section("one", HOSTILE, [HOSTILE], picture, table, HOSTILE),
        Section("two", HOSTILE, table=table),
        title=HOSTILE,
        lead=HOSTILE,
        about={HOSTILE: HOSTILE},
    )
    found = checked(text)
    said = HOSTILE.replace("\x00", "\ufffd").replace("\udc80", "\ufffd")
    assert found.text("h1") == found.text("title") == said
    assert found.all("img")[0]["alt"] == said
    assert "<script" not in text
    text.encode()


def test_the_same_report_is_the_same_page():
    assert made(Section("one", "First", picture=PICTURE)) == made(Section("one", "First", picture=PICTURE))


def test_colours_can_be_told_from_what_is_behind_them():
    light, dark, _ = (dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in STYLE.split(":root")[1:])
    for colours in (light, dark):
        for name in ("ink", "soft", "link"):
            assert contrast(colours[name], colours["paper"]) > 7
            assert contrast(colours[name], colours["pale"]) > 4.5


def contrast(one, other):
    """The ratio of luminances, as WCAG 2 has it."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
