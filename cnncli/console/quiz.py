"""A quiz on a network's sizes: the table with hidden cells, what is said of answers, worksheet and document."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cnncli.console import terminal
from cnncli.console.grid import Column, Grid, Value, table, written
from cnncli.console.sizing import Sheet, heading, source
from cnncli.sizing.quiz import Figure, Question, Quiz
from cnncli.sizing.report import CONVENTION, Report, Row
from cnncli.sizing.size import show

# What leads away from the question, or tells the answer, is shown only when it is asked for.
UNASKED = ("share", "macs-share", "jump", "memory")


NEEDED = ("window", "stride", "pad", "groups")


def keys(report: Report, how: Sheet) -> tuple[str, ...]:
    """The columns to show."""
    return tuple(key for key in how.keys(report) if how.columns or key not in UNASKED)


def grid(quiz: Quiz, how: Sheet) -> Grid[Row]:
    """The table with what is asked hidden."""
    full = how.grid(quiz.report)
    wanted = keys(quiz.report, how)
    columns = (column for column in full.columns if column.key in wanted)
    # What a question is answered from stays, however narrow the terminal.
    kept = (replace(column, rank=0) if column.key in NEEDED else column for column in columns)
    return replace(full, columns=tuple(_hiding(column, quiz) for column in kept))


def _hiding(column: Column[Row], quiz: Quiz) -> Column[Row]:
    def value(row: Row) -> Value:
        shown = column.value(row)
        return shown and (quiz.label(row, column.key) or shown)

    return replace(column, value=value, total=column.total and (quiz.total_label(column.key) or column.total))


def sheet(quiz: Quiz, how: Sheet) -> list[RenderableType]:
    """Heading, table, what was counted, and how to get the same questions again."""
    return [
        heading(quiz.report.network),
        table(grid(quiz, how), adapt=how.columns is None),
        terminal.sentence(Text(CONVENTION, style="dim")),
        Text(f"--seed {quiz.seed} asks the same again"),
    ]


def opening(quiz: Quiz) -> str:
    """How to answer."""
    count = len(quiz.questions)
    return f"{count} question{'s' * (count > 1)}; an empty line shows the answer, Ctrl-D ends"


def prompt(question: Question) -> str:
    """`?1  output of conv1, 96 filters: `."""
    return f"?{question.number}  {_asked(question)}: "


def _asked(question: Question) -> str:
    return question.what + f", {question.given}" * bool(question.given)


def said(figure: Figure, column: str) -> str:
    """A figure as the table has it."""
    if column == "output":
        return show(figure)
    return f"{figure[0]:,}" if column in ("params", "macs") else ",".join(map(str, figure))


def solution(question: Question) -> str:
    """The formula, and the shape that it belongs to: `(227 - 11 + 2*0)/4 + 1 = 55, so 55x55x96`."""
    formulas, answer = ", ".join(question.formulas), said(question.answer, question.column)
    return formulas + f", so {answer}" * (len(question.answer) > 1)


def verdict(question: Question, right: bool | None) -> Text:
    """Whether an answer is right (None where there was none), and why."""
    word, style = {True: ("right", "green"), False: ("wrong", "red"), None: ("answer", "")}[right]
    return Text.assemble((word, style), f": {solution(question)}")


def expected(question: Question) -> str:
    """The form of an answer, for one that cannot be read."""
    form = {1: "a whole number such as 1234", 2: "height and width such as 9x7"}.get(
        len(question.answer), "height, width and channels such as 9x7x5"
    )
    return f"expected {form}; an empty line shows the answer"


def score(outcomes: Sequence[bool | None]) -> str:
    """`4 of 5 right`, and how many were not answered."""
    missing = outcomes.count(None)
    return f"{outcomes.count(True)} of {len(outcomes)} right" + f", {missing} not answered" * bool(missing)


def worksheet(quiz: Quiz, how: Sheet) -> str:
    """Markdown to print: the table with blanks, the questions, and below a line the solutions, to cut off."""
    network = quiz.report.network
    title = f"**{network.name}** {show(network.input)}" + f": {network.variant}" * bool(network.variant)
    asked = "\n".join(f"- ?{each.number} {_asked(each)}: ______" for each in quiz.questions)
    # In code, so that the stars of a product are not read as emphasis.
    solved = "\n".join(f"- ?{each.number} {each.what}: `{solution(each)}`" for each in quiz.questions)
    blanks = written(grid(quiz, how), "md")
    solutions = f"---\n\n**Solutions** (seed {quiz.seed})\n\n{solved}"
    parts = [title, source(network), blanks, asked, f"_{CONVENTION}_", solutions]
    return "\n\n".join(part for part in parts if part)


def document(quiz: Quiz) -> dict[str, Any]:
    """`cnncli.quiz/1`."""
    return {
        "schema": "cnncli.quiz/1",
        "network": quiz.report.network.name,
        "input": list(quiz.report.network.input),
        "seed": quiz.seed,
        "questions": [
            {
                "number": each.number,
                "path": each.path,
                "column": each.column,
                "given": each.given or None,
                "answer": list(each.answer) if each.column == "output" or len(each.answer) > 1 else each.answer[0],
                "formula": ", ".join(each.formulas),
            }
            for each in quiz.questions
        ],
    }
