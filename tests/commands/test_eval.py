import csv
import json

import pytest


@pytest.fixture(scope="module")
def expected(trained):
    """What evaluation says as a document, from a process of its own."""
    from tests.commands.conftest import process

    return process("eval", trained, "--json").json


def test_the_document_has_exact_figures(expected):
    assert (expected["schema"], expected["dataset"], expected["split"]) == ("cnncli.eval/1", "digits", "test")
    assert expected["count"] == 360
    assert expected["accuracy"] == expected["correct"] / 360
    assert 0.7 < expected["accuracy"] <= expected["top5"] <= 1
    assert (expected["checkpoint"], expected["step"]) == ("best", 70)


def test_the_confusion_matrix_sums_to_the_count(expected):
    matrix, classes = expected["confusion"], expected["per_class"]
    assert sum(map(sum, matrix)) == expected["count"]
    assert sum(matrix[one][one] for one in range(10)) == expected["correct"]
    assert [sum(row) for row in matrix] == [one["count"] for one in classes]
    assert [sum(row[one] for row in matrix) for one in range(10)] == [one["predicted"] for one in classes]
    assert all(one["recall"] == one["correct"] / one["count"] for one in classes)


def test_text_and_json_say_the_same_figures(cli, trained, expected):
    lines = cli("eval", trained).out.splitlines()
    figures = {line.rpartition(" ")[0].strip(): line.rpartition(" ")[2] for line in lines[1:]}
    assert figures == {
        "images": "360",
        "loss": f"{expected['loss']:.4f}",
        "accuracy": f"{expected['accuracy']:.2%}",
        "top-5 accuracy": f"{expected['top5']:.2%}",
        "errors": str(360 - expected["correct"]),
    }


def test_per_class_and_confusion_are_printed(cli, trained, expected):
    out = cli("eval", trained, "--per-class", "--confusion", "-").out
    zero = expected["per_class"][0]
    words = ["0", "36", str(zero["correct"]), f"{zero['recall']:.2%}", f"{zero['precision']:.2%}"]
    assert words in [line.split() for line in out.splitlines()]
    row = ["0", *(str(count) if count else "." for count in expected["confusion"][0])]
    assert row in [line.split() for line in out.splitlines()]


def test_the_confusion_matrix_is_written_as_its_name_says(cli, trained, expected, tmp_path):
    for name in ("a.csv", "a.json", "a.txt", "a.PNG"):
        assert cli("eval", trained, "--confusion", name).code == 0
    rows = list(csv.reader((tmp_path / "a.csv").open()))
    assert [list(map(int, row[1:])) for row in rows[1:]] == expected["confusion"]
    assert json.loads((tmp_path / "a.json").read_text())["confusion"] == expected["confusion"]
    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert [list(map(int, line.split()[1:])) for line in lines[1:]] == expected["confusion"]
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


def test_a_file_is_overwritten_only_by_force(cli, trained, tmp_path):
    (tmp_path / "a.txt").write_text("mine")
    refused = cli("eval", trained, "--confusion", "a.txt")
    assert (refused.code, (tmp_path / "a.txt").read_text()) == (2, "mine")
    assert "a.txt exists already; choose another name, or --force" in refused.err
    assert cli("eval", trained, "--confusion", "a.txt", "--force").code == 0
    assert (tmp_path / "a.txt").read_text() != "mine"


def test_a_requirement_is_met_or_not(cli, trained, expected):
    met, missed = cli("eval", trained, "--require", 0.1), cli("eval", trained, "--require", 1, "--json")
    assert (met.code, met.err) == (0, "")
    assert (missed.code, missed.json) == (1, expected)
    assert missed.err == f"error: accuracy is {expected['accuracy']:.4f}; --require 1\n"


def test_split_and_checkpoint_are_chosen(cli, trained):
    document = cli("eval", trained, "--split", "train", "--checkpoint", "last", "--batch-size", 7, "--json").json
    assert (document["split"], document["checkpoint"], document["count"]) == ("train", "last", 1437)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--split foo", "no split named 'foo'"),
        ("--checkpoint first", "--checkpoint is 'first'; expected best or last"),
        ("--confusion a.gif", "expected a name ending in .png, .csv, .json or .txt"),
        ("--confusion absent/a.png", "there is no folder"),
        ("--require 2", "--require is 2; expected an accuracy as a fraction"),
        ("--require x", "--require is 'x'; expected a valid number"),
        ("--batch-size 0", "--batch-size is '0'; expected greater than or equal to 1"),
        ("--dataset minst", "did you mean 'mnist'"),
        ("--device xpu", "--device is 'xpu'; expected one of cpu, gpu, tpu"),
    ],
)
def test_a_mistake_costs_one_line(cli, trained, words, said):
    answer = cli("eval", trained, *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("name", ["absent", "file", "."])
def test_what_is_no_run_is_missing_data(cli, tmp_path, name):
    (tmp_path / "file").write_text("")
    answer = cli("eval", name)
    assert (answer.code, answer.out, answer.err.count("\n")) == (3, "", 1)


def test_images_reach_a_network_as_they_did_in_training_whatever_is_usual_now(cli, tmp_path):
    run = tmp_path / "run"
    small = ("--dataset", "digits", "--input", 16, "--set", "fit=pad", "--epochs", 2, "--device", "cpu")
    assert cli("train", "mlp", *small, "--out", run).code == 0
    before = cli("eval", run, "--json").json["accuracy"]
    # The dataset's own way was another then: the recipe leaves it open, and run.json says which it was.
    recipe, facts = run / "recipe.toml", json.loads((run / "run.json").read_text())
    recipe.write_text(recipe.read_text().replace('fit = "pad"', 'fit = ""'))
    facts["data"]["fit"] = "pad"
    (run / "run.json").write_text(json.dumps(facts))
    assert cli("eval", run, "--json").json["accuracy"] == before
