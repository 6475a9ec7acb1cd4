"""What several rooms' tests share."""

import gc
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Tests and the processes they start share compilations, and nothing else with the user. JAX reads this at its import.
if "PYTEST_XDIST_WORKER" not in os.environ:  # A worker has the folder of the process that started it.
    _CACHE = tempfile.TemporaryDirectory(prefix="cnncli-tests-", ignore_cleanup_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = _CACHE.name
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# Tracing makes many objects and hardly a circle of them; looking for circles took a fifth of the time.
gc.set_threshold(50_000, 20, 20)

# The first example of a test may compile.
settings.register_profile("cnncli", deadline=None)
settings.load_profile("cnncli")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than there are cores: many tests wait for processes of their own."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of original files of MNIST and CIFAR-10: $CNNCLI_TEST_DATA, else beside the repository."""
    chosen = os.environ.get("CNNCLI_TEST_DATA")
    folder = Path(chosen) if chosen else Path(__file__).parents[2] / "shared" / "data"
    missing = [name for name in ("mnist", "cifar-10-batches-py") if not (folder / name).is_dir()]
    if missing:
        pytest.skip(f"{folder} lacks {', '.join(missing)}: set CNNCLI_TEST_DATA to a folder of original files")
    return folder
