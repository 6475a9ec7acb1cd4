"""What a network says of pictures, as a sheet of them."""

from collections.abc import Sequence
from pathlib import Path

from cnncli.data.decoding import Image
from cnncli.drawing.names import shortened
from cnncli.drawing.sheet import Line, Panel, Sheet
from cnncli.evaluation.predictor import Ranked
from cnncli.visualize.mistakes import sure

# Images beside each other.
ACROSS = 8


def sheet(images: Sequence[Image], ranked: Sequence[Ranked], classes: Sequence[str], title: str, note: str) -> Sheet:
    """The images as the network takes them, each with its name, its most probable class and that one's probability."""
    panels = tuple(
        Panel(
            image.pixels,
            f"{shortened(Path(image.name).name)}\n{shortened(classes[one.labels[0]])}\n{sure(one.probabilities[0])}",
        )
        for image, one in zip(images, ranked, strict=True)
    )
    return Sheet([Line("", (panels[at : at + ACROSS],)) for at in range(0, len(panels), ACROSS)], title, note)
