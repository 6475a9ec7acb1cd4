"""Training throughput of the real `cnncli train` beside a peer's, in turn in one run, as ratios.

    python benchmarks/train_speed.py --data-dir DIR --peer "python torch_step.py lenet5 --batch 128 --steps 60"

The peer is any command that prints one JSON line with `images_per_second`, for the same network, batch and device.
Ours is the whole command on real data; of its epochs the median is taken, the first left out.
"""

import argparse
import json
import shlex
import statistics
import subprocess
import tempfile
from pathlib import Path


def ours(arguments: argparse.Namespace) -> float:
    """Images a second inside one `cnncli train`."""
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(scratch) / "run"
        command = ["cnncli", "train", arguments.network, "--dataset", arguments.dataset, "--out", str(run)]
        command += ["--recipe", arguments.recipe] if arguments.recipe else []
        command += ["--data-dir", arguments.data_dir] if arguments.data_dir else []
        command += ["--batch-size", str(arguments.batch), "--epochs", str(arguments.epochs)]
        subprocess.run(command, check=True, capture_output=True)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return statistics.median(line["images_per_second"] for line in lines[1:])


def theirs(command: str) -> float:
    """Images a second of the peer."""
    done = subprocess.run(shlex.split(command), check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1])["images_per_second"])


def main() -> None:
    """Print a line a round, then the medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="lenet5-keras")
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--recipe", default="keras-article")
    parser.add_argument("--data-dir", default="")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", required=True)
    arguments = parser.parse_args()
    pairs = []
    for number in range(arguments.rounds):
        pairs.append((ours(arguments), theirs(arguments.peer)))
        print(f"round {number + 1}: ours {pairs[-1][0]:,.0f}, peer {pairs[-1][1]:,.0f} images a second", flush=True)
    ratios = sorted(our / their for our, their in pairs)
    print(f"ratio: median {statistics.median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f} of {len(ratios)}")


if __name__ == "__main__":
    main()
