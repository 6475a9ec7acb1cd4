"""The colours that pictures and graphs share: Okabe and Ito's, told apart by colour-blind eyes."""

BLUE, ORANGE, GREEN, AMBER, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"

# What a layer is (see `labels.KINDS`), in the order of a legend.
COLOURS = {
    "input": "#9A9A9A",
    "convolution": BLUE,
    "pooling": ORANGE,
    "dense": GREEN,
    "normalization": AMBER,
    "other": PURPLE,
    "group": "#B8C4CE",
    "auxiliary head": "#FFFFFF",
    "join": "#FFFFFF",
}


def tint(colour: str, share: float) -> str:
    """A colour mixed with a share of white, or of black where that is negative."""
    towards = 255 if share > 0 else 0
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part + (towards - part) * abs(share)):02X}" for part in parts)


def pale(kind: str) -> str:
    """The colour of a kind behind dark letters."""
    return tint(COLOURS[kind], 0.7)


def dark(kind: str) -> str:
    """The colour of a kind as an edge or as letters."""
    return tint(COLOURS[kind], -0.33)
