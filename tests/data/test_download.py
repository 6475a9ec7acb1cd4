import hashlib
import re
import threading
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cnncli.data import download, facts
from cnncli.data.facts import File
from cnncli.errors import DataError, UsageError

BYTES = bytes(range(256)) * 8000
DIGEST = hashlib.sha256(BYTES).hexdigest()


@dataclass
class Behaviour:
    """What a server gives, where it hangs up, whether it knows ranges and its length, and what it was asked."""

    data: bytes = BYTES
    stop: int | None = None
    ranges: bool = True
    length: bool = True
    status: int = 200
    asked: list[str | None] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def __init__(self, behaviour, *arguments):
        self.behaviour = behaviour
        super().__init__(*arguments)

    def do_GET(self):
        it, wanted = self.behaviour, self.headers.get("Range")
        it.asked.append(wanted)
        if it.status != 200:
            self.send_error(it.status)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and it.ranges else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(it.data) - 1}/{len(it.data)}")
        self.send_header("Content-Length", str(len(it.data) - start))
        self.end_headers()
        self.wfile.write(it.data[start : it.stop])

    def do_HEAD(self):
        it = self.behaviour
        it.asked.append("HEAD")
        self.send_response(it.status, "Not Found" if it.status == 404 else None)
        if it.length:
            self.send_header("Content-Length", str(len(it.data)))
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that hangs up, as ours does on wrong bytes, is no news."""


@pytest.fixture
def serve():
    """Start a server of some behaviour and return its address."""
    servers = []

    def start(behaviour):
        server = Server(("127.0.0.1", 0), partial(Handler, behaviour))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/some.bin"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def file(*urls):
    return File("some.bin", len(BYTES), DIGEST, urls)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_downloaded_with_progress_and_only_once(tmp_path, serve, capfd):
    behaviour, seen = Behaviour(), []
    wanted = file(serve(behaviour))
    for _ in range(2):
        assert download.obtain(wanted, tmp_path, lambda *it: seen.append(it)).read_bytes() == BYTES
    assert behaviour.asked == [None] and names(tmp_path) == ["some.bin"]
    assert seen[0] == ("download some.bin", 0, len(BYTES)) and seen[-1][1:] == (len(BYTES), len(BYTES))
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert capfd.readouterr() == ("", "")


def test_a_broken_download_goes_on_where_it_stopped(tmp_path, serve):
    broken = Behaviour(stop=1_500_000)
    with pytest.raises(DataError, match=r"could not download some\.bin: .*the connection broke; run the same command"):
        download.obtain(file(serve(broken)), tmp_path)
    assert names(tmp_path) == ["some.bin.part"]
    done = (tmp_path / "some.bin.part").stat().st_size
    assert 0 < done <= 1_500_000
    whole = Behaviour()
    download.obtain(file(serve(whole)), tmp_path)
    assert whole.asked == [f"bytes={done}-"] and names(tmp_path) == ["some.bin"]
    assert (tmp_path / "some.bin").read_bytes() == BYTES


def test_a_server_without_ranges_starts_anew(tmp_path, serve):
    (tmp_path / "some.bin.part").write_bytes(b"x" * 1000)
    assert download.obtain(file(serve(Behaviour(ranges=False))), tmp_path).read_bytes() == BYTES


def test_wrong_bytes_are_refused_with_both_digests(tmp_path, serve):
    wrong = BYTES[:-1] + b"!"
    with pytest.raises(DataError, match=f"{DIGEST}.*{hashlib.sha256(wrong).hexdigest()}") as caught:
        download.obtain(file(serve(Behaviour(data=wrong))), tmp_path)
    assert names(tmp_path) == [] and "\n" not in str(caught.value)


def test_more_bytes_than_published_are_refused_early(tmp_path, serve):
    with pytest.raises(DataError, match="expected 2,048,000 bytes, received more"):
        download.obtain(file(serve(Behaviour(data=BYTES * 3))), tmp_path)
    assert names(tmp_path) == []


def test_the_next_mirror_is_asked(tmp_path, serve):
    behaviours = [Behaviour(status=503), Behaviour(data=BYTES[::-1]), Behaviour(stop=1_000_000), Behaviour()]
    path = download.obtain(file("http://127.0.0.1:9/some.bin", *map(serve, behaviours)), tmp_path)
    assert path.read_bytes() == BYTES and names(tmp_path) == ["some.bin"]
    assert [len(it.asked) for it in behaviours] == [1, 1, 1, 1]
    assert behaviours[3].asked[0] is not None  # it went on where the third broke


def test_no_mirror_says_why_in_one_line(tmp_path, serve):
    with pytest.raises(DataError, match=r"answered 404 Not Found; .*no connection; run the same") as caught:
        download.obtain(file(serve(Behaviour(status=404)), "http://127.0.0.1:9/some.bin"), tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert names(tmp_path) == []


def test_the_server_says_how_large_a_file_is(serve):
    unsized = replace(file("http://127.0.0.1:9/some.bin", serve(Behaviour())), size=0)
    assert download.sized(unsized) == replace(unsized, size=len(BYTES))
    with pytest.raises(DataError, match="it does not say how large it is"):
        download.sized(replace(unsized, urls=(serve(Behaviour(length=False)),)))


def test_a_digest_of_which_the_beginning_is_known(tmp_path, serve):
    known = replace(file(serve(Behaviour())), sha256=DIGEST[:8])
    assert download.obtain(known, tmp_path).read_bytes() == BYTES
    assert download.is_right(tmp_path / "some.bin", known) and download.is_right(
        tmp_path / "some.bin", replace(known, size=0)
    )
    assert not download.is_right(tmp_path / "some.bin", replace(known, sha256="0" * 8))
    other = replace(file(serve(Behaviour())), sha256="0" * 8, name="other.bin")
    with pytest.raises(DataError, match=f"begins with 00000000, received {DIGEST}; run the same"):
        download.obtain(other, tmp_path)
    assert names(tmp_path) == ["some.bin"]


def test_a_dataset_is_fetched_and_repaired(tmp_path, serve, monkeypatch):
    behaviour = Behaviour()
    some = facts.DATASETS["cifar10"]
    monkeypatch.setitem(facts.DATASETS, "cifar10", replace(some, files=(file(serve(behaviour)),)))
    monkeypatch.setenv("CNNCLI_DATA", str(tmp_path))
    folder = download.fetch("cifar10")
    assert folder == tmp_path / "cifar10" and names(folder) == ["some.bin"]
    assert download.fetch("cifar10", offline=True) == folder  # nothing to do, so nothing to refuse
    (folder / "some.bin").write_bytes(b"damaged")
    with pytest.raises(DataError, match="network is not to be used"):
        download.fetch("cifar10", offline=True)
    assert download.fetch("cifar10") == folder and (folder / "some.bin").read_bytes() == BYTES
    assert len(behaviour.asked) == 2


def test_two_at_a_time_download_once(tmp_path, serve, monkeypatch):
    behaviour = Behaviour()
    some = facts.DATASETS["cifar10"]
    monkeypatch.setitem(facts.DATASETS, "cifar10", replace(some, files=(file(serve(behaviour)),)))
    threads = [threading.Thread(target=download.fetch, args=["cifar10"], kwargs={"data_dir": tmp_path}) for _ in "12"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(behaviour.asked) == 1 and (tmp_path / "cifar10" / "some.bin").read_bytes() == BYTES


def test_files_in_another_layout_need_no_download(real_data):
    assert download.fetch("cifar10", data_dir=real_data, offline=True) == real_data
    assert download.fetch("mnist", data_dir=real_data, offline=True) == real_data / "mnist"
    assert download.fetch("mnist", data_dir=real_data / "mnist", offline=True) == real_data / "mnist" / "."


def test_nothing_to_download_and_nowhere_to_write(tmp_path):
    with pytest.raises(UsageError, match="'digits' comes with scikit-learn"):
        download.fetch("digits")
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DataError, match="taken"):
        download.fetch("mnist", data_dir=tmp_path / "taken")
