"""A recipe says everything, survives TOML, and names what it does not know."""

import math
import tomllib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tomli_w

from cnncli.data.dataset import Loaded, Split
from cnncli.data.facts import DATASETS
from cnncli.errors import DataError, UsageError
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.network import adapt
from cnncli.sizing.size import size
from cnncli.training import published, recipes
from cnncli.training.optimizers import Adadelta, AdamW, AlexNetSgd, Sgd
from cnncli.training.recipe import Recipe, changed, on_device, read, setting
from cnncli.training.schedules import Constant, EarlyStopping, NoStop, Plateau
from cnncli.training.session import Session
from cnncli.training.step import train_steps


@pytest.mark.parametrize("network", CATALOGUE)
@pytest.mark.parametrize("dataset", [*DATASETS, "tfds:mnist"])
def test_every_network_and_dataset_has_a_default_that_survives_toml(network, dataset):
    recipe = recipes.default(find(network), dataset)
    assert read(tomllib.loads(tomli_w.dumps(recipe.to_table())), "recipe.toml") == recipe


@pytest.mark.parametrize(("network", "padding"), [("resnet20", 4), ("lenet5-keras", 4), ("resnet18", 28)])
def test_a_photograph_is_cropped_by_as_much_of_it_whatever_its_size(network, padding):
    crop, mirror = recipes.default(find(network), "cifar10").augment.steps
    assert (crop.word, crop.padding, mirror.word) == ("crop", padding, "mirror")


NAMED = [(network, name) for network, named in published.RECIPES.items() for name in named]
ARTICLES = ("keras-article", "chapter")


@pytest.mark.parametrize(("network", "name"), NAMED)
def test_every_built_in_recipe_fits_its_network_and_survives_toml(network, name):
    recipe = recipes.find(name, network, "" if "dataset" in published.RECIPES[network][name] else "cifar10")
    assert recipe.source
    assert read(tomllib.loads(tomli_w.dumps(recipe.to_table())), "recipe.toml") == recipe
    facts = DATASETS[recipe.dataset]
    found = find(recipe.network)
    fitted = adapt(found, (*found.input[:2], facts.shape[2]), len(facts.classes))
    assert size(fitted).output == (len(facts.classes),)
    # What watches validation has images to watch.
    watching = recipe.stop.word != "none" or recipe.schedule.word == "plateau" or recipe.choose == "loss"
    assert recipe.validation > 0 or not watching


@pytest.mark.parametrize(("network", "name"), [one for one in NAMED if one[1] in ARTICLES])
def test_recipes_of_the_keras_texts_choose_nothing_and_train_on_every_image(network, name):
    recipe = recipes.find(name, network, "")
    assert (recipe.validation, recipe.last_batch) == (0, "train")
    assert recipe.optimizer == Adadelta(lr=1.0, rho=0.95, epsilon=1e-7)
    assert (recipe.schedule, recipe.stop) == (Constant(), NoStop())
    assert (recipe.scaling, recipe.init, recipe.precision) == ("unit", "glorot-uniform", "float32")
    assert recipe.augment.steps == ()


def test_the_texts_figures_are_in_their_recipes():
    keras, chapter = recipes.find("keras-article", "lenet5-keras", ""), recipes.find("chapter", "mnist-convnet", "")
    assert (keras.epochs, keras.batch_size, chapter.epochs, chapter.batch_size) == (12, 128, 5, 128)
    cifar = recipes.find("keras-article", "alexnet-cifar10", "")
    assert (cifar.epochs, cifar.batch_size, cifar.dataset) == (50, 32, "cifar10")
    torch = recipes.find("torch-article", "alexnet-torchvision", "")
    assert (torch.epochs, torch.batch_size, torch.validation) == (50, 64, 0.2)
    assert (torch.scaling, torch.fit, torch.init, torch.choose) == ("symmetric", "resize", "torch", "loss")
    assert torch.optimizer == Sgd(lr=0.01, momentum=0.9)
    assert torch.schedule == Plateau(factor=0.5, patience=3, minimum=1e-6)
    assert torch.stop == EarlyStopping(patience=7)
    paper = recipes.find("paper", "alexnet", "cifar10")
    assert paper.optimizer == AlexNetSgd(lr=0.01, momentum=0.9, weight_decay=5e-4)
    assert (paper.batch_size, paper.init) == (128, "normal-0.01")
    assert [step.word for step in paper.augment.steps] == ["crop", "mirror", "pca-noise"]
    assert paper.augment.steps[0].padding == (256 - 224) // 2


@pytest.mark.parametrize("depth", [20, 56, 110])
def test_the_residual_networks_are_trained_for_64000_steps(depth):
    recipe = recipes.find("paper", f"resnet{depth}", "")
    steps = recipe.epochs * (45_000 // recipe.batch_size)
    assert steps == pytest.approx(64_000, rel=0.005)
    rate = recipe.schedule.rate(recipe.optimizer.lr, steps)
    assert [float(rate(step)) for step in (1000, 30_000, 33_000, 47_000, 49_000)] == pytest.approx(
        [0.1, 0.1, 0.01, 0.01, 0.001]
    )
    # The deepest begins at a tenth of the rate, or lower, for some 400 steps.
    assert float(rate(40)) == pytest.approx(0.01 if depth == 110 else 0.1, rel=0.01)


# A network of each kind, and all that recipes do, in one step without any arithmetic.
KINDS = [
    *(("lenet5-keras", "keras-article"), ("mnist-convnet", "chapter"), ("lenet5-modern", "distortions")),
    *(("alexnet-cifar10", "paper"), ("alexnet-torchvision", "torch-article"), ("resnet20", "paper")),
    *(("plain20", "paper"), ("vgg16-bn-cifar", "modern")),
    pytest.param("googlenet-cifar", "modern", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("network", "name"), KINDS)
def test_a_step_of_a_built_in_recipe_keeps_the_state_in_its_form(network, name):
    recipe = changed(recipes.find(name, network, ""), {"batch_size": 4})
    facts, found = DATASETS[recipe.dataset], find(network)
    images = np.zeros((200, *facts.shape), np.uint8)
    data = Loaded(facts, Split(images, np.arange(200, dtype=np.int32) % 10), "")
    session = Session(recipe, adapt(found, (*found.input[:2], facts.shape[2]), 10), data, {})
    like = session.like()
    split = jax.ShapeDtypeStruct((4, *facts.shape), jnp.uint8), jax.ShapeDtypeStruct((4,), jnp.int32)
    after, _ = jax.eval_shape(partial(train_steps, session.program), like, *split, np.arange(4)[None])
    assert shapes(after) == shapes(like)


def shapes(state):
    return jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), state)


@pytest.mark.slow
def test_an_epoch_of_the_keras_article_trains_on_every_image_once():
    recipe = changed(recipes.find("keras-article", "lenet5-keras", ""), {"batch_size": 16})
    facts = DATASETS["mnist"]
    images = np.random.default_rng(0).integers(0, 256, (24, 28, 28, 1), np.uint8)
    data = Loaded(facts, Split(images, np.arange(24, dtype=np.int32) % 10), "")
    session = Session(recipe, find("lenet5-keras"), data, {})
    state = session.initial()
    for step in range(session.per_epoch):
        state, tally = session.train(state, session.chunk(step))
    assert (int(tally.count), int(tally.steps), session.chunk(1).size) == (24, 2, 8)
    assert 0 < float(tally.loss) / 24 < 5


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
        ({"lr": 0.1}, "unknown key 'lr'; did you mean 'optimizer.lr'?"),
        ({"momentum": 0.9}, "unknown key 'momentum'; did you mean 'optimizer.momentum'?"),
        ({"precision": "bf16"}, "precision is 'bf16'; expected one of float32, bfloat16"),
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


def test_a_mistake_in_a_file_is_named_with_its_line(tmp_path):
    file = tmp_path / "r.toml"
    file.write_text(
        "# A comment.\n[quick]\nepochs = 1\nbatchsize = 3\n\n"
        '[long]\noptimizer = { name = "sgd", momentun = 0.9 }\n\n'
        '[wild]\naugment = [\n  { name = "mirror", prob = 3 },\n]\n\n'
        '[wide]\nepochs = 2\n[wide.schedule]\nname = "cosin"\n\n[late]\nepochs = 0\n'
    )
    for name, said in (
        ("quick", "line 4: [quick]: unknown key 'batchsize'; did you mean 'batch_size'"),
        ("long", "line 7: [long] [optimizer] (sgd): unknown key 'momentun'; did you mean 'momentum'?"),
        ("wild", "[wild] augment: augment 'mirror': unknown key 'prob'; did you mean 'probability'?"),
        ("wide", "line 17: [wide] [schedule]: no 'cosin'; did you mean 'cosine'?"),
        ("late", "line 20: [late]: epochs is 0; expected a whole number of at least 1"),
    ):
        with pytest.raises(UsageError) as refused:
            recipes.find(f"{file}:{name}", "mlp", "digits")
        assert str(file) in str(refused.value)
        assert said in str(refused.value)


def test_a_mistake_in_a_file_of_one_recipe_is_named_with_its_line(tmp_path):
    file = tmp_path / "r.toml"
    file.write_text('seed = 1\n\nepoch = 3\n[optimizer]\nname = "sgd"\nlr = -1\n')
    with pytest.raises(UsageError, match=r"r.toml line 3: the recipe: unknown key 'epoch'; did you mean 'epochs'"):
        recipes.find(str(file), "mlp", "digits")
    file.write_text(file.read_text().replace("epoch ", "epochs "))
    with pytest.raises(UsageError, match=r"r.toml line 6: the recipe \[optimizer\] \(sgd\): lr is -1; expected"):
        recipes.find(str(file), "mlp", "digits")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs = 3\noptimizer.name = 'sgd'\noptimizer.lr = -3\n", "line 3: the recipe [optimizer] (sgd): lr is -3"),
        ("optimizer.name = 'sgd'\noptimizer.momentm = 0.9\n", "line 2: the recipe [optimizer] (sgd): unknown key"),
        (
            "optimizer.name = 'sdg'\noptimizer.lr = 0.9\n",
            "line 1: the recipe [optimizer]: no 'sdg'; did you mean 'sgd'",
        ),
        ("epochs = 3\n\nvalidation = nan\nseed = 1\n", "line 3: the recipe: validation is nan; expected a number of"),
        ("seed = 1\n[schedule]\nname = 'cosine'\nwarmup = inf\n", "line 4: the recipe [schedule] (cosine): warmup is"),
        ("dataset = 3\nepochs = 2\n", "line 1: the recipe: dataset is 3; expected text"),
        ("[optimizer]\nlr = 0.1\n", "line 1: the recipe [optimizer] is {'lr': 0.1}; expected a table with a name"),
    ],
)
def test_what_cannot_be_is_named_with_the_line_of_its_key(tmp_path, text, said):
    file = tmp_path / "r.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        recipes.find(str(file), "mlp", "" if "dataset" in text else "digits")
    assert f"r.toml {said}" in str(refused.value)


def test_a_recipe_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="'keras-article' is for lenet5-keras, alexnet-cifar10, not for mlp"):
        recipes.find("keras-article", "mlp", "mnist")
    with pytest.raises(UsageError, match="unknown recipe 'chaptr'; did you mean 'chapter'"):
        recipes.find("chaptr", "mlp", "mnist")
    with pytest.raises(UsageError, match=r"unknown recipe 'best'.*alexnet-cifar10 has keras-article, paper, modern"):
        recipes.find("best", "alexnet-cifar10", "")
    with pytest.raises(UsageError, match="'chapter' belongs to a network; give one of mnist-convnet"):
        recipes.find("chapter", "", "mnist")
    with pytest.raises(UsageError, match="recipe 'paper': names no dataset; give one"):
        recipes.find("paper", "alexnet", "")
    with pytest.raises(DataError, match=r"none.toml"):
        recipes.find(str(tmp_path / "none.toml"), "mlp", "mnist")
