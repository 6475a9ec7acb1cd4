"""`cnncli visualize mistakes` on a trained run."""

import re

from PIL import Image

from cnncli.visualize import mistakes as module

WORDS = ("visualize", "mistakes", "--device", "cpu")


def test_as_many_mistakes_as_evaluation_counts(cli, trained, tmp_path):
    answer = cli(*WORDS, trained)
    assert (answer.code, answer.out) == (0, "mlp-mistakes.png\n")
    evaluated = cli("eval", trained, "--device", "cpu", "--json").json
    wrong = sum(map(sum, evaluated["confusion"])) - sum(row[at] for at, row in enumerate(evaluated["confusion"]))
    assert answer.err == f"{wrong} mistakes on 360 images ({wrong / 360:.2%})\n"
    with Image.open(tmp_path / "mlp-mistakes.png") as picture:
        assert picture.text["Run"] == str(trained)


def test_of_one_class_those_of_its_row(cli, trained):
    row = cli("eval", trained, "--device", "cpu", "--json").json["confusion"][8]
    answer = cli(*WORDS, trained, "--class", 8, "--count", 2)
    assert re.match(rf"{sum(row) - row[8]} mistakes on {sum(row)} images of '8' ", answer.err)


def test_where_there_is_none_it_is_said_and_nothing_written(cli, trained, tmp_path, monkeypatch):
    found = module.mistakes

    def perfect(subject, data, count, only):
        right = subject.logits(data.split.images).argmax(axis=1) == data.split.labels
        split = type(data.split)(data.split.images[right], data.split.labels[right])
        return found(subject, type(data)(data.facts, split, data.where), count, only)

    monkeypatch.setattr(module, "mistakes", perfect)
    answer = cli(*WORDS, trained)
    assert (answer.code, answer.out) == (1, "")
    assert re.match(r"error: nothing to draw: mlp makes no mistake on the \d+ images of digits test\n", answer.err)
    assert list(tmp_path.iterdir()) == []


def test_a_class_that_does_not_exist_is_said(cli, trained):
    answer = cli(*WORDS, trained, "--class", "dog")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "--class: no 'dog'" in answer.err
