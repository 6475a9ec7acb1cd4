"""A recipe says everything, survives TOML, and names what it does not know."""

import math
import tomllib

import pytest
import tomli_w

from cnncli.data.facts import DATASETS
from cnncli.errors import DataError, UsageError
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.training import published, recipes
from cnncli.training.optimizers import Adadelta, AdamW, Sgd
from cnncli.training.recipe import Recipe, changed, on_device, read, setting


@pytest.mark.parametrize("network", CATALOGUE)
@pytest.mark.parametrize("dataset", [*DATASETS, "tfds:mnist"])
def test_every_network_and_dataset_has_a_default_that_survives_toml(network, dataset):
    recipe = recipes.default(find(network), dataset)
    assert read(tomllib.loads(tomli_w.dumps(recipe.to_table())), "recipe.toml") == recipe


@pytest.mark.parametrize(("network", "name"), [(n, name) for n, named in published.RECIPES.items() for name in named])
def test_recipes_of_the_texts_choose_nothing_and_say_where_they_are_from(network, name):
    recipe = recipes.find(name, network, "mnist")
    assert recipe.validation == 0
    assert recipe.source
    assert recipe.optimizer == Adadelta(lr=1.0, rho=0.95, epsilon=1e-7)
    assert recipe.batch_size == 128


def test_the_published_lenet5_is_trained_by_its_own_criterion():
    assert recipes.default(find("lenet5-1998"), "mnist").loss == "map"
    assert recipes.default(find("lenet5"), "mnist").loss == "cross-entropy"


def test_settings_reach_into_parts_and_another_name_brings_its_own_defaults():
    recipe = changed(Recipe("mlp", "digits"), {"optimizer.lr": 0.1, "optimizer": "sgd", "epochs": 3})
    assert recipe.optimizer == Sgd(lr=0.1)
    assert recipe.epochs == 3
    assert changed(recipe, {"optimizer": "sgd"}).optimizer == Sgd()
    assert changed(Recipe("mlp", "digits"), {"optimizer.name": "adamw", "optimizer.lr": 1e-3}).optimizer == AdamW(1e-3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epoch": 3}, "unknown key 'epoch'; did you mean 'epochs'?"),
        ({"optimizer.momentun": 0.9, "optimizer": "sgd"}, "did you mean 'momentum'?"),
        ({"optimiser.lr": 0.9}, "no table 'optimiser'; did you mean 'optimizer'?"),
        ({"schedule": "cosin"}, "did you mean 'cosine'?"),
        ({"optimizer.lr": -1}, "lr is -1; expected a number of at least 0"),
        ({"optimizer.lr": math.nan}, "expected a number of at least 0"),
        ({"epochs": "many"}, "epochs is 'many'; expected a whole number of at least 1"),
        ({"scaling": "none"}, "expected one of unit, symmetric, standard, mean-image"),
        ({"validation": 1}, "expected a number of at least 0 and below 1"),
        ({"optimizer": 3}, "expected a table with a name"),
    ],
)
def test_what_cannot_be_is_named_with_what_could(settings, said):
    with pytest.raises(UsageError) as refused:
        changed(Recipe("mlp", "digits"), settings)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_setting_is_read_as_toml_or_else_as_text():
    assert setting("epochs=3") == ("epochs", 3)
    assert setting("optimizer.nesterov=true") == ("optimizer.nesterov", True)
    assert setting("scaling=unit") == ("scaling", "unit")
    with pytest.raises(UsageError, match="expected key=value"):
        setting("epochs")


def test_precision_follows_the_device_unless_it_is_said():
    recipe = Recipe("mlp", "digits")
    assert on_device(recipe, "cpu").precision == "float32"
    assert on_device(recipe, "gpu").precision == "bfloat16"
    assert on_device(changed(recipe, {"precision": "float32"}), "gpu").precision == "float32"


def test_a_recipe_file_is_flat_or_holds_named_ones(tmp_path):
    flat, named = tmp_path / "flat.toml", tmp_path / "named.toml"
    flat.write_text('epochs = 2\n[optimizer]\nname = "sgd"\n')
    named.write_text("[quick]\nepochs = 1\n[long]\nepochs = 99\n[net]\ninput = [8, 8, 1]\nlayers = []\n")
    assert recipes.find(str(flat), "mlp", "digits").optimizer == Sgd()
    assert recipes.find(f"{named}:long", "mlp", "digits").epochs == 99
    with pytest.raises(UsageError, match="say which"):
        recipes.find(str(named), "mlp", "digits")
    with pytest.raises(UsageError, match="did you mean 'quick'"):
        recipes.find(f"{named}:quik", "mlp", "digits")


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="'keras-article' is for lenet5-keras"):
        recipes.find("keras-article", "mlp", "mnist")
    with pytest.raises(UsageError, match="unknown recipe 'chaptr'"):
        recipes.find("chaptr", "mlp", "mnist")
    with pytest.raises(DataError, match=r"none.toml"):
        recipes.find(str(tmp_path / "none.toml"), "mlp", "mnist")
