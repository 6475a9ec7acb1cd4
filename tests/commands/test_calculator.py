"""`cnncli size` without a network: the formula, the verdict with its exit code, what would fit, and the costs."""

import pytest

from tests.commands.conftest import at_terminal


def size(cli, words):
    answer = cli("size", *words.split())
    assert answer.err == ""
    return answer.code, answer.out.splitlines()


def test_it_shows_its_formula(cli):
    code, lines = size(cli, "--input 227 --filter 11 --stride 4 --pad 0")
    assert (code, lines) == (0, ["(227 - 11 + 2*0)/4 + 1 = 55", "output 55x55"])


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            "--input 227 --filter 11 --stride 4 --pad 1",
            [
                "(227 - 11 + 2*1)/4 + 1 = 55.5",
                "output 55x55",
                "does not fit: 2 pixels dropped",
                "what fits: input 225 or 229, or padding 0, or stride 2",
            ],
        ),
        (
            "--input 112x112x64 --pool 3 --stride 2 --ceil",
            [
                "(112 - 3 + 2*0)/2 + 1 = 55.5",
                "output 56x56x64",
                "does not fit: 1 pixel added",
                "what fits: input 111 or 113, or padding 0 before and 1 after, or stride 1",
                "no parameters",
            ],
        ),
        (
            "--input 1 --filter 3 --stride 4 --pad 2",
            [
                "(1 - 3 + 2*2)/4 + 1 = 1.5",
                "output 1x1",
                "does not fit: 2 pixels dropped",
                "what fits: input 3, or padding 1, or stride 2",
            ],
        ),
        (
            "--input 10 --filter 1 --stride 4 --same",
            [
                "padding 0 on each side",
                "(10 - 1 + 2*0)/4 + 1 = 3.25",
                "output 3x3",
                "does not fit: 1 pixel dropped",
                "what fits: input 9 or 13, or stride 1",
            ],
        ),
    ],
)
def test_it_answers_no_with_what_would_fit(cli, words, lines):
    assert size(cli, words) == (1, lines)


def test_axes_that_differ_are_both_shown(cli):
    assert size(cli, "--input 3x4 --filter 2") == (
        0,
        ["height: (3 - 2 + 2*0)/1 + 1 = 2", "width: (4 - 2 + 2*0)/1 + 1 = 3", "output 2x3"],
    )
    assert size(cli, "--input 112x113 --filter 3 --stride 2") == (
        1,
        [
            "height: (112 - 3 + 2*0)/2 + 1 = 55.5",
            "width: (113 - 3 + 2*0)/2 + 1 = 56",
            "output 55x56",
            "height: does not fit: 1 pixel dropped",
            "height: what fits: input 111 or 113, or padding 0 before and 1 after, or stride 1",
        ],
    )


def test_costs_have_their_formulas(cli):
    assert size(cli, "--input 32x32x3 --filter 5 --filters 20") == (
        0,
        [
            "(32 - 5 + 2*0)/1 + 1 = 28",
            "output 28x28x20",
            "(5*5*3 + 1) * 20 = 1,520 parameters",
            "28*28 * 5*5*3 * 20 = 1,176,000 MACs",
        ],
    )


@pytest.mark.parametrize(
    ("words", "first", "output"),
    [
        ("--input 32 --filter 5", ["padding 2 on each side: (5 - 1)/2"], "output 32x32"),
        ("--input 10 --filter 3 --stride 2", ["padding 0 before and 1 after"], "output 5x5"),
        ("--input 225 --filter 7 --stride 2", ["padding 3 on each side"], "output 113x113"),
        (
            "--input 224x225 --pool 7 --stride 2",
            ["height: padding 2 before and 3 after", "width: padding 3 on each side"],
            "output 112x113",
        ),
    ],
)
def test_same_says_which_padding_it_chose(cli, words, first, output):
    code, lines = size(cli, f"{words} --same")
    assert (code, lines[: len(first)]) == (0, first)
    assert output in lines


def test_pooling_keeps_the_channels_and_steps_by_its_window(cli):
    assert size(cli, "--input 28x28x6 --pool 2") == (
        0,
        ["(28 - 2 + 2*0)/2 + 1 = 14", "output 14x14x6", "no parameters"],
    )
    assert size(cli, "--input 6x6 --pool 2x3")[1][-2] == "output 3x2"
    assert size(cli, "--input 6 --pool 2 --stride 1")[1][0] == "(6 - 2 + 2*0)/1 + 1 = 5"


def test_it_answers_in_json(cli):
    document = cli("size", "--input", "32x32x3", "--filter", 5, "--filters", 6, "--json").json
    assert document["schema"] == "cnncli.calculator/1"
    assert (document["output"], document["fits"]) == ([28, 28, 6], True)
    assert (document["params"], document["macs"]) == (456, 28 * 28 * 6 * 75)
    assert [document[key] for key in ("pool", "same", "ceil", "padding")] == [False, False, False, [0, 0, 0, 0]]


def test_json_says_what_does_not_fit_and_what_would(cli):
    answer = cli("size", "--input", "9x8x3", "--pool", "3x4", "--stride", "2x3", "--ceil", "--json")
    document = answer.json
    assert (answer.code, document["fits"], document["output"]) == (1, False, [4, 3, 3])
    assert (document["window"], document["stride"], document["params"]) == ([3, 4], [2, 3], 0)
    height, width = document["axes"]
    assert (height["verdict"], height["remedy"]) == ("fits", None)
    assert width == {
        "name": "width",
        "formula": "(8 - 4 + 2*0)/3 + 1 = 2.333...",
        "exact": pytest.approx(7 / 3),
        "out": 3,
        "dropped": 0,
        "added": 2,
        "fits": False,
        "verdict": "2.333... rounded up to 3: 2 pixels added",
        "remedy": {"smaller_input": 7, "larger_input": 10, "padding": [1, 1], "stride": 2},
    }


def test_json_says_the_padding_that_same_chose(cli):
    document = cli("size", "--input", 10, "--filter", 3, "--stride", 2, "--same", "--json").json
    assert (document["same"], document["padding"], document["output"]) == (True, [0, 1, 0, 1], [5, 5])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--input 32 --filter 3 --same --pad 1", "--same chooses the padding by itself; leave out --pad"),
        ("--input 32 --filter 3 --pool 2", "--filter and --pool are two layers; leave out one of them"),
        ("--input 32 --pool 2 --filters 6", "--filters belongs to --filter: pooling keeps the channels"),
        ("--input 32 --filter 3 --ceil", "--ceil belongs to --pool: a convolution is rounded down"),
        ("--input 32", "no network given; expected one, or --input with --filter or --pool for the calculator"),
        ("--filter 3", "no network given; expected one, or --input with --filter or --pool"),
        ("", "no network given; expected one, or --input with --filter or --pool"),
        ("--input 4x --filter 3", "--input is '4x'; expected whole numbers"),
        ("--input 4 --filter 1x1x1", "--filter is '1x1x1'; expected one number, or two"),
        ("--input 4 --pool 1x1x1", "--pool is '1x1x1'; expected one number, or two"),
        ("--input 4 --filter 1 --stride x", "--stride is 'x'; expected whole numbers"),
        ("--input 4 --filter 1 --pad 1x1x1", "--pad is '1x1x1'"),
        ("--input 4 --filter 0", "window is 0; expected a whole number of at least 1"),
        ("--input 4 --filter 1 --filters 0", "filters is 0; expected a whole number of at least 1"),
        ("--input 4 --pool 2 --pad 2", "a pooling window of 2x2 would see nothing but padding"),
        (
            "--input 4 --filter 11",
            "height: impossible: a window of 11 on an input of 4: it is larger than what it looks at; "
            "an input of 11 or padding 3 before and 4 after would be enough",
        ),
        ("--input 4 --filter 7 --json", "an input of 7 or padding 1 before and 2 after would be enough"),
    ],
)
def test_a_mistake_costs_one_line(cli, words, said):
    answer = cli("size", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    "words", ["--filter 3", "--pool 2", "--stride 2", "--pad 1", "--same", "--filters 6", "--ceil"]
)
def test_a_network_takes_none_of_its_options(cli, words):
    answer = cli("size", "lenet5", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert f"{words.split()[0]} belongs to the calculator" in answer.err


def test_what_does_not_fit_is_coloured_and_wrapped_at_a_terminal():
    shown = at_terminal(40, "size", "--input", 10, "--filter", 3, "--stride", 2)
    assert shown.code == 1
    assert "\x1b[33mdoes not fit: 1 pixel dropped\x1b[0m\n" in shown.out
    assert max(len(line.replace("\x1b[33m", "").replace("\x1b[0m", "")) for line in shown.out.splitlines()) <= 40
