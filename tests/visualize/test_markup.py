"""HTML out of parts: what is no HTML is escaped, whatever it is."""

from hypothesis import given
from hypothesis import strategies as st

from cnncli.visualize.markup import Html, element, joined, readable


def test_elements_stand_in_each_other_and_text_is_escaped():
    inside = element("b", "1 < 2 & 3")
    assert inside == "<b>1 &lt; 2 &amp; 3</b>"
    assert element("p", inside, " <b>") == "<p><b>1 &lt; 2 &amp; 3</b> &lt;b&gt;</p>"
    assert joined(Html("<br>"), "<br>") == "<br>&lt;br&gt;"


def test_attributes_have_their_names_and_cannot_end_early():
    assert (
        element("img", alt='"><script>', class_="x", width=3)
        == '<img alt="&quot;&gt;&lt;script&gt;" class="x" width="3">'
    )
    assert element("a", aria_label="it's", href="#x") == '<a aria-label="it&#x27;s" href="#x"></a>'


def test_what_has_no_place_in_text_is_replaced():
    assert readable("a\x00b\udcffc\u202ed\te") == "a\ufffdb\ufffdc\ufffdd\te"


@given(st.text(st.characters(), max_size=40))
def test_no_text_becomes_an_element(text):
    made = element("p", text, title=text)
    assert made.count("<") == made.count(">") == 2
    assert made.count('"') == 2
    made.encode()
