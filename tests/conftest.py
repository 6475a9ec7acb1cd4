"""What several rooms' tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of original files of MNIST and CIFAR-10: $CNNCLI_TEST_DATA, else beside the repository."""
    chosen = os.environ.get("CNNCLI_TEST_DATA")
    folder = Path(chosen) if chosen else Path(__file__).parents[2] / "shared" / "data"
    missing = [name for name in ("mnist", "cifar-10-batches-py") if not (folder / name).is_dir()]
    if missing:
        pytest.skip(f"{folder} lacks {', '.join(missing)}: set CNNCLI_TEST_DATA to a folder of original files")
    return folder
