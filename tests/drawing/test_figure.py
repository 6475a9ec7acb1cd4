"""How a figure reaches the disk: the same bytes each time, in either format."""

import pytest
from matplotlib.figure import Figure

from cnncli.drawing.figure import save


@pytest.mark.parametrize("format", ["png", "svg"])
def test_a_figure_is_the_same_bytes_each_time(tmp_path, format):
    for name in ("one", "two"):
        # Axes clip what is in them by a path whose name in an SVG is random unless it is salted.
        figure = Figure()
        figure.subplots().plot([1, 2], [3, 4])
        save(figure, tmp_path / name, format)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_png_is_what_is_written_unless_asked(tmp_path):
    save(Figure(), tmp_path / "plain.svg")
    assert (tmp_path / "plain.svg").read_bytes().startswith(b"\x89PNG")
