"""Where a picture comes from: what a PNG says of it, and a hash that follows every weight."""

import re
from dataclasses import replace

import jax.numpy as jnp
import pytest
from PIL import Image

from cnncli.drawing.figure import blank, save
from cnncli.errors import DataError
from cnncli.networks.layers import BatchNorm, Dense, Flatten
from cnncli.networks.network import Network
from cnncli.runs.folder import RunFolder
from cnncli.visualize import provenance
from tests.visualize.subjects import subject

VERSIONS = {"cnncli": "1.2", "jax": "0.10", "tensorflow": None}


@pytest.fixture(scope="module")
def trained():
    return subject(Network("n", (1, 1, 2), (Flatten(), Dense(2, name="d"), BatchNorm()))).trained


def test_a_picture_of_a_checkpoint_says_which(trained, tmp_path):
    told = provenance.about("cnncli visualize x", RunFolder(tmp_path / "run"), "best", trained, 7, VERSIONS)
    assert told == {
        "Software": "cnncli 1.2",
        "Command": "cnncli visualize x",
        "Run": str(tmp_path / "run"),
        "Checkpoint": f"best, step 1, SHA-256 {provenance.fingerprint(trained)}",
        "Seed": "7",
        "Versions": "cnncli 1.2, jax 0.10",
    }


def test_a_picture_of_training_names_runs_and_their_seeds(tmp_path):
    folders = [RunFolder.create("n", "d", tmp_path / name) for name in "ab"]
    for seed, folder in enumerate(folders):
        folder.write_facts({"seed": seed})
    told = provenance.of_training("command", folders, VERSIONS)
    assert told["Run"] == f"{tmp_path / 'a'}, {tmp_path / 'b'}"
    assert (told["Seed"], "Checkpoint" in told) == ("0, 1", False)
    with pytest.raises(DataError, match=r"run\.json"):
        provenance.of_training("command", [RunFolder(tmp_path)], VERSIONS)


def test_a_picture_without_a_run_names_none():
    assert list(provenance.made("command", VERSIONS)) == ["Software", "Command", "Versions"]


def test_the_fingerprint_follows_every_weight_and_statistic(trained):
    first = provenance.fingerprint(trained)
    assert re.fullmatch("[0-9a-f]{64}", first)
    assert provenance.fingerprint(replace(trained, step=9)) == first
    kernel = trained.params["d"]["kernel"]
    nudged = {**trained.params, "d": {**trained.params["d"], "kernel": kernel.at[0, 0].add(1e-6)}}
    assert provenance.fingerprint(replace(trained, params=nudged)) != first
    ((name, (key, *_)),) = trained.stats.items()
    other = {name: {**trained.stats[name], key: jnp.full_like(trained.stats[name][key], 5)}}
    assert provenance.fingerprint(replace(trained, stats=other)) != first


def test_names_of_any_letters_are_written_into_the_file(trained, tmp_path):
    for name in ("猫 ü", b"not text \xff".decode("utf-8", "surrogateescape")):
        told = provenance.about(f"cnncli {name}", RunFolder(tmp_path / name), "best", trained, 0, VERSIONS)
        save(blank(10, 10), tmp_path / "one.png", about=told)
        with Image.open(tmp_path / "one.png") as picture:
            assert {key: picture.text[key] for key in told} == told
    assert told["Command"] == "cnncli not text \\udcff"
