"""`cnncli visualize report`: one page, complete in itself, and as a browser shows it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.visualize.reading import checked

WORDS = ("visualize", "report", "--device", "cpu")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
HOSTILE = "<img src=x onerror=alert(1)>&\"'\u202e"


def test_a_page_has_the_runs_facts_and_all_sections(cli, trained, tmp_path):
    answer = cli(*WORDS, trained)
    assert (answer.code, answer.out) == (0, "mlp-report.html\n")
    assert answer.err.splitlines()[:2] == ["accuracy on digits test", "1 of 7: training curves"]
    found = checked((tmp_path / "mlp-report.html").read_text(encoding="utf-8"))
    assert found.text("h1") == "mlp: mlp on digits"
    names = ["facts", "diagnosis", "curves", "confusion", "mistakes", "filters", "patches", "saliency", "neighbours"]
    assert [one["id"] for one in found.all("section")] == names
    assert len(found.pictures) == 7
    assert all(str(trained) in picture.text["Run"] for picture in found.pictures)
    accuracy = cli("eval", trained, "--device", "cpu", "--json").json["accuracy"]
    assert f"{accuracy:.2%} of 360 images of digits test are recognized." in found.text("p")
    params = cli("size", trained, "--json").json["totals"]["params"]
    assert f"{params:,}" in found.text("td")
    assert "1,437 images to train on, 360 to test on" in found.text("td")
    facts = json.loads((trained / "run.json").read_text())
    assert facts["diagnosis"]["sentences"][0] in found.text("p")
    assert facts["versions"]["jax"] in found.text("td") and facts["device"]["kind"] in found.text("td")
    assert "Grad-CAM is left out: it is about feature maps, and mlp has none." in found.text("p")


def test_a_run_is_not_changed_and_its_page_is_the_same_each_time(cli, trained, tmp_path):
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    pages = []
    for _ in range(2):
        assert cli(*WORDS, trained, "--out", "a.html", "--force").code == 0
        pages.append((tmp_path / "a.html").read_bytes())
    assert pages[0] == pages[1]
    assert {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()} == before


def test_a_hostile_name_and_lost_metrics_still_make_a_page(cli, copy, tmp_path):
    run = copy.rename(tmp_path / HOSTILE)
    (run / "metrics.jsonl").unlink()
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**facts, "best": None, "network": "<script>x</script>"}))
    answer = cli(*WORDS, run, "--out", "a.html")
    assert (answer.code, answer.out) == (0, "a.html\n")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    found = checked(text)
    assert found.text("h1") == f"{HOSTILE[:-1]}\ufffd: <script>x</script> on digits"
    assert "<script" not in text
    assert "This run has no metrics, and so no curves." in found.text("p")
    assert "Unknown: " in found.text("p")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--out a.png", 2, "--out a.png: expected a name ending in .html"),
        ("--out no/a.html", 2, "--out no/a.html: there is no folder"),
        ("--split half", 2, "no split named 'half'"),
        ("--checkpoint first", 2, "--checkpoint is 'first'"),
        ("--dataset mnist --offline --data-dir .", 3, "mnist"),
    ],
)
def test_a_mistake_costs_one_line_and_writes_nothing(cli, trained, tmp_path, words, code, said):
    answer = cli(*WORDS, trained, *words.split())
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_exists_is_kept_unless_forced(cli, trained, tmp_path):
    (tmp_path / "mlp-report.html").write_text("mine")
    answer = cli(*WORDS, trained)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert (tmp_path / "mlp-report.html").read_text() == "mine"


@pytest.fixture(scope="module")
def browser():
    """A Chromium, or any that works like it."""
    if not (found := next(filter(None, map(shutil.which, BROWSERS)), None)):
        pytest.skip("no Chromium is on PATH (apt-get install chromium): the report is not opened in a browser")
    return found


def opened(browser: str, page: Path, width: int, height: int) -> tuple[Image.Image, list[str]]:
    """A screenshot of a page in a browser without a network, and what its console says."""
    picture, profile = page.with_suffix(".png"), page.with_suffix(".profile")
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000")
    logging = ("--enable-logging=stderr", f"--user-data-dir={profile}", "--disable-dev-shm-usage")
    offline = ("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking", "--no-first-run")
    shot = (f"--window-size={width},{height}", f"--screenshot={picture}", page.resolve().as_uri())
    done = subprocess.run([browser, *flags, *logging, *offline, *shot], capture_output=True, timeout=90)
    said = [line for line in done.stderr.decode(errors="replace").splitlines() if ":CONSOLE" in line]
    with Image.open(picture) as image:
        return image.convert("RGB"), said


def test_a_browser_shows_the_page_and_has_nothing_to_complain_of(browser, cli, trained, tmp_path):
    assert cli(*WORDS, trained, "--out", "a.html").code == 0
    image, said = opened(browser, tmp_path / "a.html", 1000, 4000)
    assert said == []
    assert image.size == (1000, 4000)
    # The page's own style is in force, and its pictures are there, in their own colours, all the way down.
    assert image.getpixel((2, 2)) in ((255, 255, 255), (0x15, 0x15, 0x15))
    bands = [image.crop((0, top, 1000, top + 1000)) for top in range(0, 4000, 1000)]
    assert all(len(band.getcolors(2**20)) > 50 for band in bands)
    # Were there anything outside, the browser would say so: this is how we should hear of it.
    worse = tmp_path / "b.html"
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    worse.write_text(text.replace("</main>", '<img src="http://127.0.0.1:9/x.png" alt=""></main>'), encoding="utf-8")
    _, said = opened(browser, worse, 1000, 1000)
    assert any("Content Security Policy" in line for line in said)
