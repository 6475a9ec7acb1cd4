"""Every catalogued network says where it comes from, can be sized, and is found by its name."""

import pytest

from cnncli.errors import DataError, UsageError
from cnncli.networks import toml
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.sizing.size import size


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_network_names_itself_its_paper_and_its_variant(name):
    network = find(name)
    assert network.name == name
    assert network.paper
    assert network.variant


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_network_is_possible_and_ends_in_its_classes(name):
    assert size(find(name)).output in [(10,), (1000,), (28, 28, 672), (28, 28, 480)]


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UsageError, match=r"unknown network 'lenet-5'; did you mean 'lenet5'"):
        find("lenet-5")


def test_a_file_is_found_by_its_path_and_the_name_inside(tmp_path):
    path = tmp_path / "two.toml"
    path.write_text(toml.write(find("linear")) + "\n" + toml.write(find("mlp")), encoding="utf-8")
    assert find(f"{path}:mlp") == find("mlp")
    with pytest.raises(UsageError, match=r"holds 2 networks; say which: .*:NAME; known: linear, mlp"):
        find(str(path))
    with pytest.raises(UsageError, match="no network 'mpl'; did you mean 'mlp'"):
        find(f"{path}:mpl")


def test_a_file_that_is_not_there_or_no_text_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        find(str(tmp_path / "no.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as text"):
        find(str(tmp_path / "bytes.toml"))
