"""A verdict as people and programs read it."""

import json

from cnncli.console.diagnosis import document, sentences
from cnncli.runs.folder import to_json
from cnncli.training.diagnosis import diagnose
from tests.training.curves import learning, lines, turning

OVERFIT = diagnose(lines(50, learning(0.05, 0.99), turning(0.8, 0.75)))
GOOD = diagnose(lines(20, learning(0.03, 0.99), learning(0.05, 0.985)))


def test_the_verdict_comes_first_and_what_to_try_last():
    said = sentences(OVERFIT)
    assert said[0] == "overfit: The network knows its training images better than others, by 23.9 points of accuracy."
    at = said.index("what to try:")
    assert tuple(said[1:at]) == OVERFIT.sentences[1:]
    assert [line.strip() for line in said[at + 1 :]] == list(OVERFIT.advice)


def test_where_all_is_well_there_is_nothing_to_try():
    assert sentences(GOOD) == [
        "good: The network does about as well on new images as on those it was trained on.",
        "Typical of the last 3 epochs is an accuracy of 98.8% in training and 98.3% in validation.",
    ]


def test_the_document_holds_the_numbers():
    document_ = json.loads(to_json(document(OVERFIT)))
    assert (document_["schema"], document_["verdict"]) == ("cnncli.diagnosis/1", "overfit")
    assert document_["sentences"] == list(OVERFIT.sentences)
    evidence = document_["evidence"]
    assert evidence["epochs"] == 50
    assert evidence["val_loss"]["lowest_epoch"] == 14
    assert round(evidence["gap_at_end"]["accuracy"], 3) == 0.239


def test_a_document_of_nothing_is_a_document_too():
    assert json.loads(to_json(document(diagnose([]))))["verdict"] == "unknown"
