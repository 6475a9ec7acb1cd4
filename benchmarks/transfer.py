"""Transfer learning in numbers: two classes of CIFAR-10 from 50 images each, by a network that knows the other eight.

    python benchmarks/transfer.py --pretrained RUN --data-dir DIR --runs FOLDER --page benchmarks/results.md

RUN was trained by `cnncli train resnet20 --dataset cifar10 --only airplane,...,ship`, on eight classes. Each way learns
`ship,truck` from the same 100 images a seed; nothing is held out or chosen, the last epoch is evaluated on the 2,000
test images of the two classes. Runs that are in FOLDER already are not repeated.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

BEGIN, END = "<!-- transfer -->", "<!-- end of transfer -->"
CLASSES, EACH, SEEDS = "ship,truck", 50, range(5)
COMMON = f"--dataset cifar10 --only {CLASSES} --per-class {EACH} --batch-size 20 --epochs 100 --set validation=0"
WAYS = {
    "from scratch": "resnet20",
    "the head alone, on features computed once": "--from RUN --freeze all-but-head",
    "the whole network": "--from RUN",
    "the whole network, the head ten times as fast": "--from RUN --lr head=0.004,rest=0.0004",
}
HEADERS = ("way", "`cnncli train ...`", "n", "test accuracy, %", "sd", "least, most", "images a second", "seconds")


def trained(words: list[str], out: Path, data_dir: str) -> dict[str, float]:
    """Train and evaluate unless that was done; the test accuracy, images a second and seconds of training."""
    cnncli = [sys.executable, "-m", "cnncli"]
    if not (out / "run.json").exists():
        subprocess.run([*cnncli, "train", *words, "--data-dir", data_dir, "--out", str(out)], check=True)
    if not json.loads((out / "run.json").read_text()).get("test"):
        subprocess.run([*cnncli, "eval", str(out)], check=True)
    facts = json.loads((out / "run.json").read_text())
    speeds = [json.loads(line)["images_per_second"] for line in (out / "metrics.jsonl").read_text().splitlines()]
    found = {"accuracy": 100 * facts["test"]["accuracy"], "seconds": facts["train_seconds"]}
    return found | {"speed": statistics.median(speeds)}


def row(way: str, words: str, runs: list[dict[str, float]]) -> tuple[str, ...]:
    """A line of the table."""
    accuracies = [run["accuracy"] for run in runs]
    return (
        way,
        f"`{words}`",
        str(len(runs)),
        f"{statistics.fmean(accuracies):.2f}",
        f"{statistics.stdev(accuracies):.2f}",
        f"{min(accuracies):.2f}, {max(accuracies):.2f}",
        f"{statistics.median(run['speed'] for run in runs):,.0f}",
        f"{statistics.median(run['seconds'] for run in runs):.1f}",
    )


def main() -> None:
    """Run every way with every seed and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("--pretrained", "--data-dir", "--runs", "--page"):
        parser.add_argument(option, required=True, type=Path)
    given = parser.parse_args()
    text = given.page.read_text(encoding="utf-8")
    found = re.search(f"{BEGIN}\n(.*?){END}", text, flags=re.S)
    if not found:
        parser.error(f"{given.page} has no place for the table: {BEGIN} and {END}")
    lines = [HEADERS, ("---",) * len(HEADERS)]
    for place, (way, words) in enumerate(WAYS.items()):
        start = [str(given.pretrained) if word == "RUN" else word for word in words.split()]
        runs = [
            trained([*start, *COMMON.split(), "--seed", str(seed)], given.runs / f"{place}-{seed}", str(given.data_dir))
            for seed in SEEDS
        ]
        lines.append(row(way, words, runs))
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    given.page.write_text(text[: found.start(1)] + table + "\n" + text[found.end(1) :], encoding="utf-8")


if __name__ == "__main__":
    main()
