"""`cnncli size NETWORK --quiz`: hidden figures, asked one by one on standard error, answered on standard input."""

import random
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from rich.text import Text

from cnncli.console import quiz as shown
from cnncli.console import terminal
from cnncli.console.sizing import Sheet
from cnncli.errors import ExpectedNo, UsageError
from cnncli.sizing.quiz import Figure, Question, draw, read
from cnncli.sizing.report import Report

QUESTIONS = 5
# Fresh seeds are short enough to be called across a classroom.
SEEDS = 10_000
# Lines that cannot be read before a question is given up: what is piped may never end.
PATIENCE = 3
# Letters of a piped answer that are shown behind its question.
ECHOED = 60


@dataclass(frozen=True)
class Quizzed:
    """The quiz's own options as they were written, and whether every answer has to be right."""

    quiz: bool = False
    questions: int | None = None
    seed: int | None = None
    strict: bool = False

    def wanted(self) -> bool:
        """Whether there is to be a quiz. Raises UsageError for its options without it."""
        for name in ("questions", "seed"):
            if getattr(self, name) is not None and not self.quiz:
                raise UsageError(f"--{name} belongs to --quiz; add it, or leave out --{name}")
        return self.quiz


def ask(reports: Sequence[Report], how: Sheet, format: str, quizzed: Quizzed, misplaced: Sequence[str]) -> None:
    """Print the table with blanks, ask, and print the score; or print a worksheet or a document, and ask nothing.

    Raises UsageError for what a quiz cannot be about, and with `strict` ExpectedNo where not every answer is right.
    """
    _agree(reports, format, quizzed, misplaced)
    count = quizzed.questions or QUESTIONS
    seed = random.randrange(SEEDS) if quizzed.seed is None else quizzed.seed
    report = reports[0]
    quiz = draw(report, how.rows(report), shown.keys(report, how), count, seed)
    if format == "json":
        terminal.document(shown.document(quiz))
    elif format == "md":
        terminal.line(shown.worksheet(quiz, how))
    else:
        terminal.result(*shown.sheet(quiz, how))
        terminal.say(shown.opening(quiz))
        outcomes = _outcomes(quiz.questions)
        terminal.line(shown.score(outcomes))
        if quizzed.strict and not all(outcomes):
            raise ExpectedNo(f"--strict: {shown.score(outcomes)}")


def _agree(reports: Sequence[Report], format: str, quizzed: Quizzed, misplaced: Sequence[str]) -> None:
    if misplaced:
        raise UsageError(f"{misplaced[0]} has no place in a quiz; leave out {misplaced[0]} or --quiz")
    if len(reports) != 1:
        raise UsageError(f"--quiz asks about one network at one input; {len(reports)} given")
    if format not in ("table", "json", "md"):
        raise UsageError(f"--quiz has text, --json and --format md (a worksheet with solutions), no {format}")
    if quizzed.strict and format != "table":
        raise UsageError("--strict judges answers, and a worksheet asks for none; leave out --strict")


def _outcomes(questions: Sequence[Question]) -> list[bool | None]:
    """Ask one by one: right, wrong, or None where it was given up or the input had ended."""
    outcomes: list[bool | None] = [None] * len(questions)
    with suppress(EOFError):
        for place, question in enumerate(questions):
            answer = _answer(question)
            outcomes[place] = None if answer is None else answer == question.answer
            terminal.messages().print(shown.verdict(question, outcomes[place]), soft_wrap=True)
    return outcomes


def _answer(question: Question) -> Figure | None:
    """The figure that is answered; None where it is given up. Raises EOFError."""
    for _ in range(PATIENCE):
        line = _reply(shown.prompt(question))
        if line in ("", "?"):
            return None
        if (found := read(line, len(question.answer))) is not None:
            return found
        terminal.say(shown.expected(question))
    return None


def _reply(prompt: str) -> str:
    """A line of standard input. Raises EOFError where there is none."""
    terminal.messages().print(Text(prompt), end="", soft_wrap=True)
    try:
        # As bytes: what is no text in this encoding is an answer that cannot be read, and no error.
        line = sys.stdin.buffer.readline() if sys.stdin else b""
    except KeyboardInterrupt:
        terminal.say("")
        raise
    if not line:
        terminal.say("")
        raise EOFError
    text = line.decode(errors="replace").strip()
    if not sys.stdin.isatty():
        # What is typed at a terminal stands behind the prompt already.
        terminal.say("".join(letter if letter.isprintable() else "?" for letter in text[:ECHOED]))
    return text
