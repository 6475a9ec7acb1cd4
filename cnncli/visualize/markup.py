"""HTML that cannot be got wrong: what is put into an element is escaped unless it is HTML itself."""

from html import escape

# Elements that hold nothing, and have no end.
VOID = ("meta", "img")


class Html(str):
    """Text that is HTML already."""


def element(name: str, /, *inside: str, **attributes: str | int) -> Html:
    """An element with its attributes, whose names are written `class_` and `aria_label`."""
    given = "".join(f' {_attribute(key)}="{escape(readable(str(value)))}"' for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(*inside)}</{name}>")


def joined(*parts: str) -> Html:
    """Parts after each other."""
    return Html("".join(part if isinstance(part, Html) else escape(readable(part)) for part in parts))


def readable(text: str) -> str:
    """Text without what HTML has no place for, or what would turn the text around it: names of files have it all."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
