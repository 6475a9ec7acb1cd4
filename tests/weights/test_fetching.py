import hashlib
import sys
from dataclasses import replace
from types import ModuleType

import pytest

from cnncli.errors import DataError, UsageError
from cnncli.weights import fetching, published
from tests.data.test_download import BYTES, DIGEST, Behaviour, serve  # noqa: F401
from tests.weights import made

NAME = "torchvision/resnet18"


@pytest.fixture
def known(serve, monkeypatch):  # noqa: F811
    """Make published weights come from a server of some behaviour, and say how their digest begins."""

    def put(behaviour, sha256=DIGEST[:8]):
        weights = replace(published.PUBLISHED[NAME], address=serve(behaviour), sha256=sha256)
        monkeypatch.setitem(published.PUBLISHED, NAME, weights)
        return behaviour

    return put


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_weights_are_fetched_once(tmp_path, known):
    behaviour, seen = known(Behaviour()), []
    for offline in (False, True):
        path = fetching.fetch(NAME, folder=tmp_path / "new", offline=offline, report=lambda *it: seen.append(it))
        assert path == tmp_path / "new" / "some.bin" and path.read_bytes() == BYTES
    assert behaviour.asked == ["HEAD", None] and names(tmp_path / "new") == ["some.bin"]
    assert seen[-1] == ("download some.bin", len(BYTES), len(BYTES))


def test_they_go_to_the_cache(tmp_path, known, monkeypatch):
    known(Behaviour())
    monkeypatch.setenv("CNNCLI_DATA", str(tmp_path))
    assert fetching.fetch(NAME) == tmp_path / "weights" / "some.bin"


def test_a_broken_download_goes_on(tmp_path, known):
    known(Behaviour(stop=1_500_000))
    with pytest.raises(DataError, match=r"the connection broke; run the same command again to go on, or .* give --dir"):
        fetching.fetch(NAME, folder=tmp_path)
    done = (tmp_path / "some.bin.part").stat().st_size
    whole = known(Behaviour())
    assert fetching.fetch(NAME, folder=tmp_path).read_bytes() == BYTES
    assert whole.asked == ["HEAD", f"bytes={done}-"] and names(tmp_path) == ["some.bin"]


def test_other_bytes_are_refused(tmp_path, known):
    wrong = BYTES[:-1] + b"!"
    known(Behaviour(data=wrong))
    digest = hashlib.sha256(wrong).hexdigest()
    with pytest.raises(DataError, match=f"expected a SHA-256 that begins with {DIGEST[:8]}, received {digest}"):
        fetching.fetch(NAME, folder=tmp_path)
    assert names(tmp_path) == []


def test_a_damaged_file_is_fetched_again(tmp_path, known):
    known(Behaviour())
    (tmp_path / "some.bin").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"torchvision/resnet18 is not in .* and the network is not to be used"):
        fetching.fetch(NAME, folder=tmp_path, offline=True)
    assert fetching.fetch(NAME, folder=tmp_path).read_bytes() == BYTES


def test_no_network(tmp_path, known, monkeypatch):
    behaviour = known(Behaviour())
    monkeypatch.setenv("CNNCLI_OFFLINE", "1")
    with pytest.raises(
        DataError, match="the network is not to be used: run `cnncli weights fetch torchvision/resnet18`"
    ):
        fetching.fetch(NAME, folder=tmp_path)
    assert behaviour.asked == []


@pytest.mark.parametrize("behaviour", [Behaviour(status=404), Behaviour(length=False)])
def test_servers_that_do_not_answer_as_they_should(tmp_path, known, behaviour):
    known(behaviour)
    with pytest.raises(DataError, match=r"could not download some\.bin: http.* (Not Found|how large it is)$"):
        fetching.fetch(NAME, folder=tmp_path)


def test_nowhere_to_write(tmp_path, known):
    known(Behaviour())
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DataError, match="taken"):
        fetching.fetch(NAME, folder=tmp_path / "taken")


def hub(monkeypatch, download):
    """A library of Hugging Face that does what the test says."""
    errors = ModuleType("huggingface_hub.errors")
    errors.LocalEntryNotFoundError = type("LocalEntryNotFoundError", (FileNotFoundError,), {})
    library = ModuleType("huggingface_hub")
    library.errors, library.hf_hub_download = errors, download
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    monkeypatch.setitem(sys.modules, "huggingface_hub.errors", errors)
    return errors


def test_the_hub_is_asked_through_its_library(tmp_path, monkeypatch):
    asked = []

    def download(repository, file, *, local_dir, local_files_only):
        asked.append((repository, file, local_dir, local_files_only))
        return str(made.safetensors(tmp_path / "model.safetensors", {}))

    hub(monkeypatch, download)
    assert fetching.fetch("timm/resnet18.a1_in1k") == tmp_path / "model.safetensors"
    assert fetching.fetch("timm/resnet18.a1_in1k", folder=tmp_path, offline=True).name == "model.safetensors"
    name = ("timm/resnet18.a1_in1k", "model.safetensors")
    assert asked == [(*name, None, False), (*name, tmp_path / "timm--resnet18.a1_in1k", True)]


def test_the_hub_does_not_have_it_or_is_not_reached(monkeypatch):
    def download(*_, local_files_only, **__):
        if local_files_only:
            raise errors.LocalEntryNotFoundError("many\nlines")
        raise ConnectionError("first line\nsecond line")

    errors = hub(monkeypatch, download)
    with pytest.raises(
        DataError, match=r"is not in the cache of the Hugging Face hub and the network is not to be used"
    ):
        fetching.fetch("microsoft/resnet-50", offline=True)
    with pytest.raises(DataError, match=r"could not download microsoft/resnet-50 from https://\S+: first line$"):
        fetching.fetch("microsoft/resnet-50")


def test_the_hub_needs_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UsageError, match=r"pip install 'cnncli\[hub\]', or download https://huggingface\.co/timm/\S+$"):
        fetching.fetch("timm/resnet50.a1_in1k")
