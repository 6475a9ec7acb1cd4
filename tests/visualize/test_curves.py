"""A run's curves: a picture of a known size whatever the epochs hold, and what it shows."""

import subprocess
import sys
from statistics import median

import pytest
from PIL import Image

from cnncli.errors import DataError
from cnncli.visualize import curves


def epochs(count, validated=True):
    """Lines of metrics.jsonl whose losses fall and whose accuracies rise."""
    keys = ("epoch", "step", "seconds", "train_loss", "train_accuracy", "val_loss", "val_accuracy")
    lines = [(at, 100 * at, 1.0, 2 / at, 1 - 0.5 / at, 2.1 / at, 1 - 0.6 / at) for at in range(1, count + 1)]
    metrics = [dict(zip(keys, line, strict=True)) for line in lines]
    return metrics if validated else [line | {"val_loss": None, "val_accuracy": None} for line in metrics]


CASES = {
    "twenty epochs": epochs(20),
    "one epoch": epochs(1),
    "no validation": epochs(20, validated=False),
    "one epoch without validation": epochs(1, validated=False),
    "validated now and then": [*epochs(3, validated=False), *epochs(6)[3:]],
    "a loss that is no number": [*epochs(2), epochs(3)[2] | {"train_loss": float("nan"), "val_loss": None}],
    "perfect": [line | {"train_loss": 0.0, "train_accuracy": 1.0} for line in epochs(3)],
    "nothing finite": [line | {"train_loss": None, "train_accuracy": None} for line in epochs(2, validated=False)],
    "five hundred epochs": epochs(500),
}


@pytest.mark.parametrize("metrics", CASES.values(), ids=CASES)
def test_a_picture_of_1000_by_400_pixels_is_written(metrics, tmp_path):
    path = tmp_path / "curves.png"
    curves.draw(metrics, path, "lenet5 on mnist")
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("PNG", (1000, 400))
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 10
    assert path.stat().st_size < 100_000
    assert [file.name for file in tmp_path.iterdir()] == ["curves.png"]


def colours(path):
    with Image.open(path) as picture:
        return {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}


BLUE, ORANGE = (0, 114, 178), (213, 94, 0)


def test_training_is_blue_and_validation_orange(tmp_path):
    curves.draw(epochs(20), tmp_path / "both.png")
    assert {BLUE, ORANGE} <= colours(tmp_path / "both.png")


def test_what_was_not_validated_has_no_second_line(tmp_path):
    curves.draw(epochs(20, validated=False), tmp_path / "one.png")
    assert BLUE in colours(tmp_path / "one.png")
    assert ORANGE not in colours(tmp_path / "one.png")


def test_an_older_picture_is_replaced(tmp_path):
    path = tmp_path / "curves.png"
    path.write_bytes(b"old")
    curves.draw(epochs(2), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_same_metrics_give_the_same_picture(tmp_path):
    for name in ("one.png", "two.png"):
        curves.draw(epochs(5), tmp_path / name, "the same")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """What draw and overlay are about to write, as a figure."""
    figures = []
    monkeypatch.setattr(curves, "save", lambda figure, path, about: figures.append(figure))

    def of(function, *given, **options):
        function(*given, tmp_path / "curves.png", **options)
        return figures[-1]

    return of


def with_rate(metrics):
    return [line | {"learning_rate": 0.1 / line["epoch"], "gradient_norm": 3.0 / line["epoch"]} for line in metrics]


def texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def values(line):
    return list(zip(*(map(float, axis) for axis in line.get_data()), strict=True))


def test_rate_and_gradient_have_panels_of_their_own(drawn, tmp_path):
    figure = drawn(curves.draw, with_rate(epochs(20)))
    assert [axes.get_title("left") for axes in figure.axes] == ["loss", "accuracy", "learning rate", "gradient norm"]
    assert values(figure.axes[2].lines[0])[:2] == [(1, 0.1), (2, 0.05)]
    assert values(figure.axes[3].lines[0])[:2] == [(1, 3.0), (2, 1.5)]
    alone = [{key: value for key, value in line.items() if key != "gradient_norm"} for line in with_rate(epochs(20))]
    assert [axes.get_title("left") for axes in drawn(curves.draw, alone).axes][2:] == ["learning rate"]


@pytest.mark.parametrize("count", [1, 3, 200])
def test_with_the_rate_a_picture_is_640_pixels_high(count, tmp_path):
    curves.draw(with_rate(epochs(count)), tmp_path / "curves.png", "lenet5 on mnist")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (1000, 640)


def test_many_epochs_have_a_smoothed_line_over_the_raw_one(drawn):
    bad = [line | {"train_loss": 9.0} if line["epoch"] == 10 else line for line in epochs(20)]
    axes = drawn(curves.draw, bad).axes[0]
    raw, smooth = axes.lines[:2]
    assert (raw.get_linewidth(), smooth.get_linewidth()) == (1, 2.2)
    assert dict(values(raw))[10] == 9.0
    assert dict(values(smooth))[10] == pytest.approx(2 / 9)
    assert axes.get_xlabel() == "epoch (thick: median of 3)"


def test_the_smoothed_line_does_not_end_in_a_hook(drawn):
    """The last epochs tell where it ends, not the last alone: of 21 in the middle there are 11 left."""
    noisy = [line | {"train_loss": 1 + 0.1 * (line["epoch"] % 2)} for line in epochs(200)]
    noisy[-1]["train_loss"] = 9.0
    raw, smooth = (values(line) for line in drawn(curves.draw, noisy).axes[0].lines[:2])
    assert (raw[-1], smooth[-1]) == ((200, 9.0), (200, pytest.approx(1.1)))
    assert max(value for _, value in smooth) == pytest.approx(1.1)
    assert smooth[-2][1] == pytest.approx(median(value for _, value in raw[-12:]))
    assert len(smooth) == 200


def test_a_rate_keeps_its_peak_and_its_end(drawn):
    metrics = [line | {"learning_rate": 1 - abs(line["epoch"] - 50) / 50} for line in epochs(100)]
    thick = drawn(curves.draw, metrics).axes[2].lines[1]
    assert [value for at, value in values(thick) if at in (49, 50, 51, 100)] == pytest.approx([0.98, 1, 0.98, 0])


def test_few_epochs_are_joined_points(drawn):
    axes = drawn(curves.draw, epochs(12)).axes[0]
    assert [line.get_marker() for line in axes.lines] == ["o", "o", "o"]
    assert values(axes.lines[0]) == [(at, 2 / at) for at in range(1, 13)]
    assert axes.get_xlabel() == "epoch"


def test_the_best_epoch_is_that_of_the_highest_accuracy_or_the_one_given(drawn):
    metrics = epochs(20)
    assert texts(drawn(curves.draw, metrics).axes[1].get_legend())[-1] == "best, epoch 20: 97.00 %"
    loss, accuracy = drawn(curves.draw, metrics, best=5).axes
    assert texts(accuracy.get_legend()) == ["training", "validation", "best, epoch 5: 88.00 %"]
    assert texts(loss.get_legend())[-1] == "best, epoch 5: 0.42"


def test_the_best_epoch_crosses_rate_and_gradient(drawn):
    figure = drawn(curves.draw, with_rate(epochs(20)), best=5)
    assert [list(axes.lines[-1].get_xdata()) for axes in figure.axes[2:]] == [[5, 5], [5, 5]]


def test_losses_that_span_much_have_a_logarithmic_axis(drawn):
    loss, accuracy = drawn(curves.draw, epochs(20)).axes
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    assert drawn(curves.draw, epochs(3)).axes[0].get_yscale() == "linear"


RUNS = [(f"runs/lenet5-mnist-{number}", epochs(10 + number)) for number in range(30)]


@pytest.mark.parametrize(("count", "wide"), [(1, 1320), (4, 1320), (14, 1320), (15, 1640), (30, 1640)])
def test_several_runs_make_room_for_their_names(count, wide, tmp_path):
    curves.overlay(RUNS[:count], tmp_path / "runs.png", "lenet5 on mnist")
    with Image.open(tmp_path / "runs.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (wide, 400))


@pytest.mark.parametrize("count", [2, 4, 5, 8, 30])
def test_each_run_has_a_colour_and_training_is_dashed(count, drawn):
    figure = drawn(curves.overlay, RUNS[:count])
    curve = [line for line in figure.axes[0].lines if line.get_linewidth() > 1]
    assert [line.get_linestyle() for line in curve] == ["--", "-"] * count
    seen = [tuple(line.get_color()) for line in curve]
    assert seen[::2] == seen[1::2]
    assert len(set(seen)) == count
    assert texts(figure.legends[0]) == [name for name, _ in RUNS[:count]] + ["training", "validation"]


@pytest.mark.parametrize("count", [1, 3, 4, 20])
def test_the_names_of_several_runs_hide_no_curve(count, drawn):
    figure = drawn(curves.overlay, RUNS[:count])
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(axes.get_tightbbox()) for axes in figure.axes)
    assert figure.bbox.count_contains([legend.min, legend.max]) == 2


def test_of_more_than_four_runs_the_thin_lines_are_left_out(drawn):
    thin = [
        sum(line.get_linewidth() == 1 for line in drawn(curves.overlay, RUNS[5 : 5 + n]).axes[0].lines) for n in (4, 5)
    ]
    assert thin == [8, 0]


def test_runs_of_different_length_say_how_each_is_smoothed(drawn):
    figure = drawn(curves.overlay, [("short", epochs(20)), ("long", epochs(100))])
    assert figure.axes[0].get_xlabel() == "epoch (thick: median of 3 to 11)"


def test_of_a_long_name_the_end_is_shown(drawn):
    figure = drawn(curves.overlay, [("/somewhere/far/away/in/the/tree/lenet5-mnist-1", epochs(3))])
    assert texts(figure.legends[0])[0] == "…/in/the/tree/lenet5-mnist-1"


def test_a_run_without_epochs_is_named(tmp_path):
    with pytest.raises(DataError, match="no epochs to draw in runs/empty"):
        curves.overlay([("runs/full", epochs(3)), ("runs/empty", [])], tmp_path / "runs.png")
    with pytest.raises(DataError, match="no epochs to draw"):
        curves.overlay([], tmp_path / "runs.png")
    assert list(tmp_path.iterdir()) == []


def test_files_say_what_they_are_about(tmp_path):
    curves.draw(epochs(3), tmp_path / "one.png", about={"Command": "one"})
    curves.overlay(RUNS[:2], tmp_path / "two.png", about={"Command": "two"})
    for name in ("one", "two"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.text["Command"] == name


def test_no_epochs_are_an_error(tmp_path):
    with pytest.raises(DataError, match="no epochs"):
        curves.draw([], tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_data_error(tmp_path):
    path = tmp_path / "missing" / "curves.png"
    with pytest.raises(DataError, match=r"curves\.png cannot be written: No such file or directory"):
        curves.draw(epochs(2), path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_behind_when_the_picture_cannot_take_its_place(tmp_path):
    taken = tmp_path / "curves.png"
    taken.mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        curves.draw(epochs(2), taken)
    assert list(tmp_path.iterdir()) == [taken]


def test_a_dollar_in_a_title_is_a_dollar(tmp_path):
    curves.draw(epochs(2), tmp_path / "curves.png", r"100 $ for $\nothing$")
    assert (tmp_path / "curves.png").exists()


WITHOUT_PYPLOT = """
import sys
from pathlib import Path
from cnncli.visualize import confusion, curves
curves.draw([{"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5}], Path("curves.png"))
confusion.draw([[1, 2], [3, 4]], ["cat", "dog"], Path("confusion.png"))
assert "matplotlib.pyplot" not in sys.modules
assert "jax" not in sys.modules
"""


def test_pictures_need_neither_pyplot_nor_jax(tmp_path):
    subprocess.run([sys.executable, "-c", WITHOUT_PYPLOT], check=True, timeout=60, cwd=tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["confusion.png", "curves.png"]
