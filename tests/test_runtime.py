"""This process: its device, threads and cache."""

import logging
import os
import warnings

import pytest

from cnncli import runtime
from cnncli.errors import UsageError

VARIABLES = ("JAX_PLATFORMS", "NPROC", "JAX_COMPILATION_CACHE_DIR", "XDG_CACHE_HOME", "HOME")


@pytest.fixture(autouse=True)
def untouched(monkeypatch, tmp_path):
    """An environment, warnings and a cache folder of the test's own."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    with warnings.catch_warnings():
        yield
    logging.getLogger("matplotlib").setLevel(logging.NOTSET)


def test_the_device_asked_for_is_jaxs_platform():
    runtime.configure("gpu")
    assert os.environ["JAX_PLATFORMS"] == "cuda"
    runtime.configure("cpu")
    assert os.environ["JAX_PLATFORMS"] == "cpu"


def test_an_unknown_device_is_a_mistake():
    with pytest.raises(UsageError, match="--device is 'xpu'; expected one of cpu, gpu, tpu"):
        runtime.configure("xpu")


def test_threads_are_those_asked_for_else_all_there_are():
    runtime.configure()
    assert os.environ["NPROC"] == str(runtime.available_threads())
    runtime.configure(threads=3)
    assert os.environ["NPROC"] == "3"


def test_programs_are_kept_in_the_cache_folder(tmp_path):
    runtime.configure()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "cache" / "cnncli" / "xla")


def test_a_users_own_choice_of_cache_is_kept():
    os.environ["JAX_COMPILATION_CACHE_DIR"] = "mine"
    runtime.configure()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "mine"


def test_a_cache_that_cannot_be_is_done_without(tmp_path):
    (tmp_path / "cache").write_text("a file")
    runtime.configure()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    del os.environ["XDG_CACHE_HOME"]
    monkeypatch.setattr(runtime.Path, "home", homeless)
    runtime.configure()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


@pytest.mark.parametrize("failure", [RuntimeError("no plugin (set JAX_PLATFORMS='')"), AssertionError()])
def test_a_platform_that_is_not_there_is_a_mistake(monkeypatch, failure):
    import jax

    def fail():
        raise failure

    monkeypatch.setattr(jax, "devices", fail)
    runtime.configure("gpu")
    with pytest.raises(UsageError, match=r"no device for platform 'cuda' \(.*\); install cnncli\[cuda\]") as raised:
        runtime.devices()
    assert "JAX_PLATFORMS" not in str(raised.value)


def test_the_device_is_described_as_a_run_records_it():
    found = runtime.describe()
    assert set(found) == {"platform", "kind", "count", "threads", "xla_flags", "compiler_options"}
    assert found["count"] == len(runtime.devices())


def test_versions_are_of_what_decides_the_result():
    known = runtime.versions()
    assert {"jax", "jaxlib", "flax", "optax", "numpy", "python", "cnncli"} <= set(known)
    assert "not installed" not in known.values()
