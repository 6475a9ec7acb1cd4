import re

from cnncli.commands import visualize
from cnncli.networks.catalogue import CATALOGUE
from tests.commands.conftest import at_terminal


def test_networks_are_listed_with_their_counts(cli):
    answer = cli("list", "networks")
    assert answer.code == 0
    lines = {line.split()[0]: line.split()[1:6] for line in answer.out.splitlines()}
    assert lines.pop("network") == ["year", "layers", "input", "params", "MACs"]
    assert lines["lenet5"] == ["1998", "5", "32x32x1", "61,706", "416,520"]
    assert set(lines) == set(CATALOGUE)


def test_a_narrow_terminal_lists_networks_without_some_columns():
    lines = re.sub(r"\x1b\[[\d;]*m", "", at_terminal(80, "list", "networks").out).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "left out for want of room: year, layers, top5-error"
    vgg16 = next(line for line in lines if line.startswith("vgg16 "))
    assert vgg16.split()[1:4] == ["224x224x3", "138,357,544", "15,470,264,320"]


def test_the_document_of_networks_has_papers(cli):
    document = cli("list", "networks", "--json").json
    assert document["schema"] == "cnncli.networks/1"
    lenet = next(one for one in document["networks"] if one["name"] == "lenet5")
    assert (lenet["params"], lenet["macs"], lenet["input"]) == (61706, 416520, [32, 32, 1])
    assert (lenet["year"], lenet["weight_layers"], lenet["top5_error"]) == (1998, 5, None)
    assert [one["top5_error"] for one in document["networks"] if one["name"] == "alexnet"] == [0.153]
    assert lenet["paper"].startswith("LeCun")


def test_datasets_are_listed_with_their_counts(cli):
    lines = {line.split()[0]: line.split()[1:5] for line in cli("list", "datasets").out.splitlines()}
    assert lines["mnist"] == ["28x28x1", "10", "60,000", "10,000"]
    document = cli("list", "datasets", "--json").json
    cifar = next(one for one in document["datasets"] if one["name"] == "cifar10")
    assert (cifar["train"], cifar["shape"], cifar["classes"][0]) == (50000, [32, 32, 3], "airplane")


def test_recipes_are_listed_with_their_networks(cli):
    assert "keras-article  lenet5-keras" in cli("list", "recipes").out
    document = cli("list", "recipes", "--json").json
    article = next(one for one in document["recipes"] if one["name"] == "keras-article")
    assert (article["network"], article["epochs"], article["optimizer"]["name"]) == ("lenet5-keras", 12, "adadelta")


def test_methods_are_those_of_visualize_with_what_each_shows(cli):
    document = cli("list", "methods", "--json").json
    assert document["schema"] == "cnncli.methods/1"
    known = {one["name"]: one["shows"] for one in document["methods"]}
    # A command without a name of its own has its function's.
    commands = visualize.app.registered_commands
    assert set(known) == {one.name or one.callback.__name__ for one in commands}
    assert list(known) == sorted(known)
    for one in commands:
        assert known[one.name or one.callback.__name__] == one.callback.__doc__.partition("\n")[0]
    lines = cli("list", "methods").out.splitlines()
    assert lines[0].split() == ["method", "what", "it", "shows"]
    assert [line.split()[0] for line in lines[1:]] == list(known)


def test_a_narrow_terminal_lists_methods_whole():
    shown = re.sub(r"\x1b\[[\d;]*m", "", at_terminal(40, "list", "methods").out)
    assert max(map(len, shown.splitlines())) <= 40
    assert "Training curves:" in shown
