"""Names in pictures: on one line, and no longer than there is room for."""

LONGEST = 20


def plain(name: str) -> str:
    """A name on one line: what cannot be printed as its escape."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name)


def shortened(name: str, longest: int = LONGEST) -> str:
    """A long name's beginning and end, on one line."""
    name = plain(name)
    return name if len(name) <= longest else f"{name[: longest - 7]}…{name[-6:]}"
