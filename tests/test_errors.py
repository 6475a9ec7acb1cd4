"""Exit codes are the ones the documentation promises; the nearest names are the ones a person meant."""

from cnncli.errors import Bug, CnncliError, DataError, Exit, ExpectedNo, Stopped, UsageError, nearest

KNOWN = ["lenet5", "lenet5-keras", "alexnet", "vgg16"]


def test_exit_codes_are_the_documented_numbers():
    assert {code.name: int(code) for code in Exit} == {
        "DONE": 0,
        "NO": 1,
        "USAGE": 2,
        "DATA": 3,
        "BUG": 70,
        "SAVED": 75,
        "INTERRUPTED": 130,
    }


def test_each_error_has_its_exit_code():
    assert [kind.exit for kind in (ExpectedNo, UsageError, DataError, Bug, Stopped, CnncliError)] == [
        1,
        2,
        3,
        70,
        75,
        70,
    ]


def test_nearest_names_what_was_meant():
    assert nearest("vgg-16", KNOWN) == "; did you mean 'vgg16'?"
    assert nearest("AlexNet", KNOWN) == "; did you mean 'alexnet' or 'lenet5' or 'lenet5-keras'?"


def test_nearest_lists_what_is_known_when_nothing_is_close():
    assert nearest("q", KNOWN) == "; known: alexnet, lenet5, lenet5-keras, vgg16"


def test_nearest_says_nothing_when_there_is_too_much_to_list():
    assert nearest("q", [f"network{number}" for number in range(13)]) == ""
