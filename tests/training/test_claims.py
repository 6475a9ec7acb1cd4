"""Claims: each names what exists, and says when it is met."""

import pytest

from cnncli.data.facts import DATASETS
from cnncli.errors import UsageError
from cnncli.networks.catalogue import CATALOGUE
from cnncli.networks.catalogue import find as network
from cnncli.training import recipes
from cnncli.training.claims import CLAIMS, Claim, Reproduction, find


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_can_be_run(name):
    claim = CLAIMS[name]
    assert claim.network in CATALOGUE
    assert claim.dataset in DATASETS
    recipe = recipes.default(network(claim.network), claim.dataset)
    if claim.recipe:
        recipe = recipes.find(claim.recipe, claim.network, claim.dataset)
    assert (recipe.network, recipe.dataset) == (claim.network, claim.dataset)
    assert claim.source
    assert all(0.5 < figure < 1 for figure in (claim.published, claim.bound) if figure is not None)
    assert claim.published is not None or claim.within is None


def test_published_figures_are_as_printed():
    assert {name: claim.published for name, claim in CLAIMS.items() if claim.published is not None} == {
        "lenet5-1998": 0.9905,
        "lenet5-keras": 0.9871,
        "mnist-convnet": 0.9876,
        "alexnet-cifar10-article": 0.5549,
        "resnet20": 0.9125,
        "resnet56": 0.9303,
        "googlenet-cifar": 0.9285,
    }


@pytest.mark.parametrize(
    ("claim", "mean", "met", "wanted"),
    [
        (Claim("mlp", "digits", least=0.9), 0.9, True, "at least 90.00%"),
        (Claim("mlp", "digits", least=0.9), 0.8999, False, "at least 90.00%"),
        (Claim("mlp", "digits", published=0.95), 0.96, True, "at least 95.00%"),
        (Claim("mlp", "digits", published=0.95), 0.94, False, "at least 95.00%"),
        (Claim("mlp", "digits", published=0.95, least=0.9), 0.91, True, "at least 90.00%"),
        (Claim("mlp", "digits", published=0.9871, within=0.002), 0.9851, True, "within 0.20% of 98.71%"),
        (Claim("mlp", "digits", published=0.9871, within=0.002), 0.9892, False, "within 0.20% of 98.71%"),
        (Claim("mlp", "digits", published=0.9871, within=0.002), 0.985, False, "within 0.20% of 98.71%"),
        (Claim("mlp", "digits"), 0.1, None, "no figure is published"),
    ],
)
def test_a_claim_is_met_by_what_it_asks_for(claim, mean, met, wanted):
    assert (claim.met(mean), claim.wanted) == (met, wanted)


def test_mean_and_spread_are_those_of_a_sample():
    found = Reproduction(Claim("mlp", "digits", least=0.9), (0.9, 0.92, 0.94))
    assert found.mean == pytest.approx(0.92)
    assert found.deviation == pytest.approx(0.02)
    assert found.met
    assert Reproduction(found.claim, (0.8,)).deviation is None
    assert not Reproduction(found.claim, (0.8,)).met


def test_an_unknown_claim_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="--reproduce: no claim 'lenet-keras'; did you mean 'lenet5-keras'"):
        find("lenet-keras")
