from cnncli.console.reproduction import document, lines
from cnncli.training.claims import Claim, Reproduction

KERAS = Claim("lenet5-keras", "mnist", "keras-article", 0.9871, within=0.002, source="the Keras article")
RUNS = ["runs/a-1", "runs/a-2"]


def said(found, runs, **changes):
    return [str(line) for line in lines("keras", found, runs, changes)]


def test_each_run_mean_spread_and_verdict_are_said():
    assert said(Reproduction(KERAS, (0.985, 0.989)), RUNS) == [
        "runs/a-1  98.50%",
        "runs/a-2  98.90%",
        "keras: mean 98.70%, standard deviation 0.28%, n = 2; published 98.71% (the Keras article)",
        "within 0.20% of 98.71%: met",
    ]
    assert said(Reproduction(KERAS, (0.98,)), RUNS[:1])[1:] == [
        "keras: mean 98.00%, n = 1; published 98.71% (the Keras article)",
        "within 0.20% of 98.71%: not met",
    ]


def test_where_seeds_are_left_mean_and_verdict_are_those_so_far():
    found = Reproduction(KERAS, (0.985, 0.989), left=3)
    assert said(found, RUNS)[2:] == [
        "keras: mean so far 98.70%, standard deviation 0.28%, n = 2 of 5; published 98.71% (the Keras article)",
        "within 0.20% of 98.71%: met so far",
    ]
    assert document("keras", found, RUNS, {})["left"] == 3


def test_what_was_changed_in_the_recipe_is_said():
    shown = said(Reproduction(KERAS, (0.98,)), RUNS[:1], epochs=2, augment="mirror")
    assert shown[2:] == ["changed: epochs = 2, augment = mirror", "within 0.20% of 98.71%: not met"]


def test_what_asks_for_nothing_is_neither_met_nor_missed():
    found = Reproduction(Claim("plain20", "cifar10", "paper", source="a figure"), (0.9,))
    assert said(found, RUNS[:1])[-1] == "no figure is published: nothing to meet"
    assert said(found, RUNS[:1])[-2] == "keras: mean 90.00%, n = 1; a figure"
    assert document("plain20", found, RUNS[:1], {})["met"] is None


def test_the_document_says_the_same():
    found = document("keras", Reproduction(KERAS, (0.985, 0.989)), RUNS, {"epochs": 2})
    assert found["changes"] == {"epochs": 2}
    assert found["runs"] == [{"run": "runs/a-1", "accuracy": 0.985}, {"run": "runs/a-2", "accuracy": 0.989}]
    assert (found["schema"], found["claim"], found["met"]) == ("cnncli.reproduction/1", "keras", True)
    assert (found["published"], found["wanted"]) == (0.9871, "within 0.20% of 98.71%")
    assert abs(found["mean"] - 0.987) < 1e-12
    assert abs(found["standard_deviation"] - 0.002 * 2**0.5) < 1e-12
    assert document("keras", Reproduction(KERAS, (0.98,)), RUNS[:1], {})["standard_deviation"] is None
