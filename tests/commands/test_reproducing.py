"""A claim is run with several seeds, each evaluated, and compared with what it asks for."""

import json
import shlex
import tomllib
from statistics import fmean, stdev

import pytest

from cnncli.commands import reproducing
from cnncli.errors import DataError, Stopped
from cnncli.training import claims
from cnncli.training.claims import Claim

QUICK = ("--epochs", 2, "--device", "cpu")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """Claims that take a moment."""
    ours = {
        "easy": Claim("mlp", "digits", published=0.9, least=0.3, source="this test"),
        "hard": Claim("mlp", "digits", least=0.9999, source="this test"),
        "open": Claim("mlp", "digits", source="this test"),
    }
    monkeypatch.setattr(claims, "CLAIMS", ours)


def test_a_claim_is_met_by_the_mean_of_its_seeds(cli, tmp_path):
    answer = cli("train", "--reproduce", "easy", "--seeds", 2, *QUICK)
    assert answer.code == 0
    *runs, mean, changed, verdict = answer.out.splitlines()
    assert [line.split()[0] for line in runs] == ["runs/mlp-digits-1", "runs/mlp-digits-2"]
    facts = [json.loads((tmp_path / line.split()[0] / "run.json").read_text()) for line in runs]
    assert [one["seed"] for one in facts] == [0, 1]
    accuracies = [one["test"]["accuracy"] for one in facts]
    assert [line.split()[1] for line in runs] == [f"{accuracy:.2%}" for accuracy in accuracies]
    assert mean == (
        f"easy: mean {fmean(accuracies):.2%}, standard deviation {stdev(accuracies):.2%}, n = 2; "
        "published 90.00% (this test)"
    )
    assert (changed, verdict) == ("changed: epochs = 2", "at least 30.00%: met")


def test_a_claim_that_is_not_met_is_an_expected_no_and_still_a_document(cli):
    answer = cli("train", "--reproduce", "hard", "--seeds", 1, *QUICK, "--json")
    assert answer.code == 1
    found = answer.json
    assert (found["met"], found["standard_deviation"], len(found["runs"])) == (False, None, 1)
    assert found["mean"] == found["runs"][0]["accuracy"]
    assert found["changes"] == {"epochs": 2}
    assert answer.err.splitlines()[-1].startswith("error: hard: mean test accuracy ")
    assert answer.err.splitlines()[-1].endswith("; expected at least 99.99%")


def test_a_claim_that_asks_for_nothing_is_no_failure(cli):
    answer = cli("train", "--reproduce", "open", "--seeds", 1, *QUICK)
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "no figure is published: nothing to meet")


def test_a_seed_that_diverges_ends_it(cli):
    answer = cli("train", "--reproduce", "easy", "--optimizer", "sgd", "--lr", 1e30, "--device", "cpu")
    assert (answer.code, answer.out) == (1, "")
    assert "training diverged in epoch 1, in step 2, first in layer output" in answer.err


@pytest.fixture
def ending(monkeypatch):
    """Let a seed end by an error."""
    run = reproducing.run

    def end(seed, error):
        def instead(task, how):
            if task.recipe.seed == seed:
                raise error
            return run(task, how)

        monkeypatch.setattr(reproducing, "run", instead)

    return end


@pytest.mark.parametrize(
    ("error", "code", "said", "left"),
    [
        (Stopped("stopped"), 75, "stopped", "seeds 2, 3 are"),
        (KeyboardInterrupt(), 130, "interrupted", "seeds 1, 2, 3 are"),
        (DataError("disk full"), 3, "disk full", "seeds 1, 2, 3 are"),
    ],
)
def test_what_is_finished_is_said_whatever_ends_it(cli, ending, error, code, said, left):
    ending(1, error)
    answer = cli("train", "--reproduce", "easy", "--seeds", 4, *QUICK)
    assert answer.code == code
    run, mean, changed, verdict = answer.out.splitlines()
    accuracy = run.removeprefix("runs/mlp-digits-1  ")
    assert mean == f"easy: mean so far {accuracy}, n = 1 of 4; published 90.00% (this test)"
    assert (changed, verdict) == ("changed: epochs = 2", "at least 30.00%: met so far")
    *_, hint, last = answer.err.splitlines()
    assert hint.startswith(f"{left} left; train one with: cnncli train mlp --dataset digits --seed {left[6]} ")
    assert hint.endswith("; then: cnncli eval RUN")
    assert last == f"error: {said}"


def test_a_seed_that_is_left_is_trained_as_the_others_were(cli, ending, tmp_path):
    ending(0, Stopped("stopped"))
    # A comma, blanks and a table: what a shell and TOML read in their own ways.
    words = ("--lr", "hidden=0.01,rest=0.002", "--set", "stop.name=early", "--only", "1,7", "--input", "8x8")
    answer = cli("train", "--reproduce", "easy", "--seeds", 2, *QUICK, *words, "--augment", "crop(padding=1), mirror")
    assert (answer.code, answer.out) == (75, "")
    hint = answer.err.splitlines()[-2].removeprefix("seed 1 is left; train one with: ")
    alone = shlex.split(hint.removesuffix("; then: cnncli eval RUN"))
    assert (alone[0], cli(*alone[1:]).out) == ("cnncli", "runs/mlp-digits-2\n")
    first, second = (tomllib.loads((tmp_path / f"runs/mlp-digits-{n}/recipe.toml").read_text()) for n in (1, 2))
    assert second == first | {"seed": 1}


def test_an_unfinished_document_says_how_many_are_left(cli, ending):
    ending(1, Stopped("stopped"))
    found = cli("train", "--reproduce", "hard", "--seeds", 3, *QUICK, "--json").json
    assert (found["left"], len(found["runs"]), found["met"]) == (2, 1, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("esy", "--reproduce: no claim 'esy'; did you mean 'easy'?"),
        ("easy mlp", "--reproduce brings its own network, dataset, recipe and seeds; leave them out"),
        ("easy --dataset digits", "leave them out"),
        ("easy --out run", "leave them out"),
        ("easy --seed 3", "leave them out"),
        ("easy --set seed=3", "leave them out"),
        ("easy --set dataset=mnist", "leave them out"),
        ("easy --seeds 0", "--seeds is '0'; expected greater than or equal to 1"),
        ("easy --until 0.9", "--reproduce trains to the end of its recipe; leave --until"),
        ("easy --max-time 3s", "leave --until, --max-time and --fail-on out"),
        ("easy --resume run", "--reproduce and --resume do not go together"),
        ("easy --set epochs", "--set 'epochs'; expected key=value"),
    ],
)
def test_a_mistake_costs_one_line(cli, tmp_path, words, said):
    answer = cli("train", "--reproduce", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
