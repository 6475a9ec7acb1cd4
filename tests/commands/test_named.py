"""Which pictures words name: files, folders, patterns and what comes by standard input."""

import io
import os
import sys

import pytest
from PIL import Image

from cnncli.commands.named import named
from cnncli.errors import DataError, UsageError


def encoded(format, mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, (28, 20), 7).save(file, format)
    return file.getvalue()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Pictures in folders; the current folder is theirs."""
    for name in ("10.png", "9.png", "a b/ä.JPG", "a b/deep/x.png", "b/notes.txt", ".hidden/h.png", "[1].png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def piped(monkeypatch):
    def pipe(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return named(["-"])

    return pipe


def names(*words):
    return [picture.name for picture in named([str(word) for word in words])]


def test_files_come_in_their_order(here):
    assert names("9.png", "china", "10.png", "absent.png", "9.png") == [
        *("9.png", "china", "10.png", "absent.png", "9.png"),
    ]


def test_a_folder_gives_its_pictures_and_those_inside(here, capsys):
    assert names(".") == ["9.png", "10.png", "[1].png", "a b/deep/x.png", "a b/ä.JPG"]
    assert capsys.readouterr().err == "note: . holds 1 file of other kinds, left out\n"
    assert names(here / "a b") == [f"{here}/a b/deep/x.png", f"{here}/a b/ä.JPG"]


def test_an_empty_word_is_not_this_folder(here):
    with pytest.raises(UsageError, match="name is empty"):
        names("9.png", "")


def test_a_link_to_a_folder_above_ends(here):
    (here / "a b" / "loop").symlink_to(here)
    found = names("a b")
    assert found == ["a b/deep/x.png", *(f"a b/loop/{name}" for name in ("9.png", "10.png", "[1].png")), "a b/ä.JPG"]


def test_a_link_to_another_folder_is_followed(here):
    (here / "b" / "link").symlink_to(here / "a b")
    assert names("b") == ["b/link/deep/x.png", "b/link/ä.JPG"]


def test_kinds_that_nobody_can_read_are_not_overlooked(here):
    (here / "b" / "c.svg").write_text("<svg/>")
    assert names("b") == ["b/c.svg"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.png", ["9.png", "10.png", "[1].png"]),
        ("**/*.png", ["9.png", "10.png", "[1].png", "a b/deep/x.png"]),
        ("a b/**", ["a b/deep/x.png", "a b/ä.JPG"]),
        ("?.png", ["9.png"]),
        ("[1].png", ["[1].png"]),
        ("[1]0.png", ["10.png"]),
    ],
)
def test_a_pattern_that_no_shell_expanded(here, pattern, found):
    assert names(pattern) == found
    assert names(here / pattern) == [f"{here}/{one}" for one in found]


def test_what_names_nothing_is_said(here):
    with pytest.raises(DataError, match=r"no file matches '\*\.gif'"):
        names("*.gif")
    (here / "b" / "notes.txt").unlink()
    with pytest.raises(DataError, match=r"b holds no picture; expected files such as \.png or \.jpg"):
        names("b")
    with pytest.raises(UsageError, match="- is given twice"):
        names("-", "9.png", "-")


@pytest.mark.skipif(os.getuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_said(here):
    (here / "b").chmod(0)
    with pytest.raises(DataError, match="b: Permission denied"):
        names("b")
    (here / "b").chmod(0o700)


@pytest.mark.parametrize(
    "content",
    [*(encoded(format) for format in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")), encoded("PPM", "L")],
    ids=["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "PGM"],
)
def test_a_picture_by_standard_input(piped, content):
    (picture,) = piped(content)
    assert (picture.name, picture.content) == ("-", content)


def test_paths_by_standard_input(here, piped):
    found = piped(b"9.png\r\n\na b\nP5 10.png\nMM.png\n*.png")
    # A line is a path to the letter: lists are written by programs.
    expected = ["9.png", "a b/deep/x.png", "a b/ä.JPG", "P5 10.png", "MM.png", "*.png"]
    assert [(picture.name, picture.content) for picture in found] == [(name, None) for name in expected]


def test_a_path_need_not_be_text(piped):
    assert os.fsencode(piped(b"\xe4.png\n")[0].name) == b"\xe4.png"


@pytest.mark.parametrize("content", [b"", b" \n\n"])
def test_empty_standard_input_is_said(piped, content):
    with pytest.raises(DataError, match="standard input is empty; expected a picture, or paths of pictures"):
        piped(content)


def test_closed_standard_input_is_empty(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input is empty"):
        named(["-"])


def test_standard_input_without_end_is_said(piped, monkeypatch):
    monkeypatch.setattr("cnncli.commands.named._MOST_BYTES", 100)
    with pytest.raises(DataError, match="standard input has more than 100 bytes"):
        piped(b"a" * 101)
