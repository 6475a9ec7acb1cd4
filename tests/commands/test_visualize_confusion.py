"""`cnncli visualize confusion` on a trained run."""

from PIL import Image

WORDS = ("visualize", "confusion", "--device", "cpu")


def test_it_counts_what_evaluation_counts(cli, trained, tmp_path):
    answer = cli(*WORDS, trained)
    assert (answer.code, answer.out) == (0, "mlp-confusion.png\n")
    rows = cli("eval", trained, "--device", "cpu", "--json").json["confusion"]
    assert answer.err.startswith(f"{sum(row[at] for at, row in enumerate(rows))} of 360 right; most often wrong: ")
    count, true, predicted = max(
        (count, true, predicted)
        for true, row in enumerate(rows)
        for predicted, count in enumerate(row)
        if true != predicted
    )
    assert f"taken for {predicted} ({count})" in answer.err
    assert f"{true} taken for" in answer.err
    with Image.open(tmp_path / "mlp-confusion.png") as picture:
        assert picture.text["Run"] == str(trained)


def test_another_split_is_counted(cli, trained):
    assert "of 1,437 right" in cli(*WORDS, trained, "--split", "train").err
    answer = cli(*WORDS, trained, "--split", "dev", "--force")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "no split named 'dev': expected 'train' or 'test'" in answer.err
