"""Names in pictures."""

from cnncli.drawing.names import plain, shortened


def test_names_are_on_one_line():
    assert plain('a\n"b"\x00\ud800 é') == "\\n".join(["a", '"b"\\x00\\ud800 é'])
    assert shortened("a\nb") == "a\\nb"


def test_long_names_keep_their_beginning_and_end():
    assert shortened("automobile") == "automobile"
    assert shortened("a very long name of class 17") == "a very long n…ass 17"
    assert shortened("a_very_long_name_of_a_layer_of_mine", 28) == "a_very_long_name_of_a…f_mine"
