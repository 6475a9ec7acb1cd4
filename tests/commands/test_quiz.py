import io
import os
import pty
import re
import signal
import subprocess
import sys
import threading

import pytest

from tests.commands.conftest import Answer, command, process

EVERY = ("--quiz", "--questions", 1000)
SEEDED = ("--quiz", "--seed", 3)


@pytest.fixture
def answering(cli, monkeypatch):
    """Run a command line with these lines on its standard input."""

    def call(lines, *words):
        typed = lines if isinstance(lines, bytes) else "".join(f"{line}\n" for line in lines).encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed)))
        return cli(*words)

    return call


def solutions(cli, *words):
    """The answers as a student would type them."""
    return [
        "x".join(map(str, each["answer"])) if isinstance(each["answer"], list) else f"{each['answer']:,}"
        for each in cli("size", *words, "--json").json["questions"]
    ]


def table(text):
    lines = [line.split() for line in text.splitlines()]
    return {words[0]: words for words in lines if words}


def test_all_right(cli, answering):
    answer = answering(solutions(cli, "alexnet", *SEEDED), "size", "alexnet", *SEEDED)
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "5 of 5 right")
    assert answer.err.count("right: ") == 5


def test_an_answer_is_judged_with_its_formula(answering):
    answer = answering(["55x55x96"] + ["12"] * 4, "size", "alexnet", *EVERY, "--columns", "layer,output")
    shown = answer.err.splitlines()
    assert shown[1:3] == [
        "?1  output of conv1, 96 filters: 55x55x96",
        "right: (227 - 11 + 2*0)/4 + 1 = 55, so 55x55x96",
    ]
    answer = answering(["100"], "size", "lenet5", *EVERY, "--columns", "layer,params")
    assert answer.err.splitlines()[1:3] == ["?1  parameters of c1, with biases: 100", "wrong: (5*5*1 + 1) * 6 = 156"]


def test_what_cannot_be_read_is_asked_again_and_then_given_up(cli, answering):
    first = solutions(cli, "lenet5", *SEEDED)[0]
    answer = answering(["55", "fifty", first], "size", "lenet5", *SEEDED)
    assert answer.err.count("expected height, width and channels such as 9x7x5") == 2
    assert answer.out.splitlines()[-1] == "1 of 5 right, 4 not answered"
    answer = answering(["55", "fifty", "sixty", "?", ""], "size", "lenet5", *SEEDED)
    assert answer.err.count("answer: ") == 3
    assert answer.out.splitlines()[-1] == "0 of 5 right, 5 not answered"


@pytest.mark.parametrize(
    "typed",
    [b"\xff\xfe\n", b"9" * 5000 + b"\n", b"\x1b[31m\n", "\u0665\u0665\n".encode(), b"\x00", b"[bold]\n", b"", b"\r\n"],
)
def test_nothing_typed_is_an_error(answering, typed):
    answer = answering(typed * 20, "size", "lenet5", *SEEDED)
    assert answer.code == 0
    assert "0 of 5 right" in answer.out
    assert "\x1b" not in answer.out + answer.err
    assert "Traceback" not in answer.err


def test_the_table_hides_what_is_asked(cli, answering):
    lines = table(answering([], "size", "lenet5", *SEEDED).out)
    full = table(cli("size", "lenet5").out)
    asked = cli("size", "lenet5", *SEEDED, "--json").json["questions"]
    assert [each["number"] for each in asked] == [1, 2, 3, 4, 5]
    for each in asked:
        assert f"?{each['number']}" in lines[each["path"]]
        answer = each["answer"]
        text = "x".join(map(str, answer)) if isinstance(answer, list) else f"{answer:,}"
        assert text in full[each["path"]]
        assert text not in lines[each["path"]]
    assert "share" not in lines["layer"]
    assert "memory" not in lines["layer"]


def test_every_figure_can_be_asked(answering):
    lines = table(answering([], "size", "alexnet", *EVERY).out)
    assert lines["conv1"] == ["conv1", "conv", "11x11", "4", "0", *(f"?{number}" for number in range(1, 5))]
    assert lines["relu1"] == ["relu1", "relu", "?1", "?4"]
    assert [word[0] for word in lines["total"][2:]] == ["?"] * 3


def test_a_fresh_seed_is_printed_and_asks_the_same_again(answering):
    first = answering([], "size", "alexnet", "--quiz").out
    said = next(line for line in first.splitlines() if line.startswith("--seed "))
    assert answering([], "size", "alexnet", "--quiz", "--seed", said.split()[1]).out == first


def test_strict_minds_wrong_answers(cli, answering):
    right = solutions(cli, "lenet5", *SEEDED)
    assert answering(right, "size", "lenet5", *SEEDED, "--strict").code == 0
    answer = answering(right[:4], "size", "lenet5", *SEEDED, "--strict")
    assert (answer.code, answer.err.splitlines()[-1]) == (1, "error: --strict: 4 of 5 right, 1 not answered")
    assert answering(right[:4], "size", "lenet5", *SEEDED).code == 0


def test_a_document_asks_nothing(cli):
    document = cli("size", "alexnet", *EVERY, "--seed", 1, "--json").json
    assert (document["schema"], document["network"], document["seed"]) == ("cnncli.quiz/1", "alexnet", 1)
    assert document["questions"][0] == {
        "number": 1,
        "path": "conv1",
        "column": "output",
        "given": "96 filters",
        "answer": [55, 55, 96],
        "formula": "(227 - 11 + 2*0)/4 + 1 = 55",
    }
    assert document["questions"][1]["answer"] == 34944


def test_a_worksheet_has_blanks_and_below_them_solutions(cli):
    answer = cli("size", "alexnet", *EVERY, "--seed", 1, "--format", "md")
    sheet, solved = answer.out.split("\n---\n")
    assert "| conv1 | conv | 11x11 | 4 | 0 |  | ?1 | ?2 | ?3 | ?4 |" in sheet
    assert "- ?1 output of conv1, 96 filters: ______" in sheet
    assert "55x55x96" not in sheet
    assert "- ?1 output of conv1: `(227 - 11 + 2*0)/4 + 1 = 55, so 55x55x96`" in solved
    assert "(seed 1)" in solved


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--quiz", "--quiz belongs to a network"),
        ("--quiz --input 32 --filter 3", "--quiz belongs to a network"),
        ("lenet5 alexnet --quiz", "one network at one input; 2 given"),
        ("lenet5 --quiz --input 28,32", "one network at one input; 2 given"),
        ("lenet5 --seed 3", "--seed belongs to --quiz"),
        ("lenet5 --questions 3", "--questions belongs to --quiz"),
        ("lenet5 --quiz --filter 3", "--filter belongs to the calculator"),
        ("lenet5 --quiz --format csv", "no csv"),
        ("lenet5 --quiz --columns layer,kind", "nothing to ask of lenet5 in the columns layer, kind"),
        ("lenet5 --quiz --columns outputs", "no column 'outputs'; did you mean 'output'"),
        ("lenet5 --quiz --strict --json", "--strict judges answers"),
        ("lenet5 --quiz --seed -1", "--seed is '-1'"),
        ("lenet5 --quiz --questions 0", "--questions is '0'"),
        *((f"lenet5 --quiz {option}", "has no place in a quiz") for option in ("--diff", "--explain", "--as toml")),
        *((f"lenet5 --quiz {option}", "has no place in a quiz") for option in ("--batch 2", "--dtype float16")),
    ],
)
def test_a_mistake_costs_one_line(answering, words, said):
    answer = answering([], "size", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_answers_can_be_piped_and_may_never_end():
    done = subprocess.run(
        ["bash", "-c", 'yes maybe | "$@"', "bash", *command("size", "lenet5", *SEEDED)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "0 of 5 right, 5 not answered")


def test_a_closed_input_has_ended():
    done = subprocess.run(
        ["bash", "-c", '"$@" <&-', "bash", *command("size", "lenet5", *SEEDED)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "0 of 5 right, 5 not answered")


def test_questions_do_not_stand_in_the_result():
    answer = process("size", "lenet5", *SEEDED, input="28x28x6\n")
    assert answer.out.splitlines()[-1] == "1 of 5 right, 4 not answered"
    assert "output of c1" not in answer.out
    assert "?1  output of c1, 6 filters: 28x28x6\nright: " in answer.err


def conversation(*typed):
    """What a terminal shows of a quiz, each of these typed when a question stands there."""
    ours, theirs = pty.openpty()
    words = command("size", "lenet5", *SEEDED)
    going = subprocess.Popen(
        words,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job ignores it
    )
    os.close(theirs)
    hung = threading.Timer(60, going.kill)
    hung.start()
    shown, left = b"", list(typed)
    try:
        while piece := os.read(ours, 65536):
            shown += piece
            if left and re.search(rb"\n\?\d  .*: $", shown):
                here = left.pop(0)
                os.write(ours, here) if isinstance(here, bytes) else going.send_signal(here)
    except OSError:  # EIO: the other end is closed
        pass
    hung.cancel()
    os.close(ours)
    return Answer(going.wait(60), shown.decode().replace("\r\n", "\n"), "")


def test_at_a_terminal_it_is_a_conversation():
    answer = conversation(b"28x28x6\n", b"1x1x1\n", b"\x04")
    assert answer.code == 0
    assert "\n?1  output of c1, 6 filters: 28x28x6\n\x1b[32mright\x1b[0m: (32 - 5 + 2*0)/1 + 1 = 28" in answer.out
    assert "\n?2  output of c3, 16 filters: 1x1x1\n\x1b[31mwrong\x1b[0m: (14 - 5 + 2*0)/1 + 1 = 10" in answer.out
    assert answer.out.endswith(": \n1 of 5 right, 3 not answered\n")


def test_an_interrupt_is_130():
    answer = conversation(b"28x28x6\n", signal.SIGINT)
    assert answer.code == 130
    assert "Traceback" not in answer.out
    assert "of 5 right" not in answer.out
