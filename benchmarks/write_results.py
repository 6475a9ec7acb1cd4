"""The table of measured accuracies, written from run folders into the results page.

    python benchmarks/write_results.py runs/* --page benchmarks/results.md

A row for each claim of `cnncli train --reproduce`, its cells empty until it was measured: n, mean and sample standard
deviation of the test accuracy that `cnncli eval` left in run.json, the median training time, the hardware. Runs of a
claim that were shortened have a row of their own, which says so. What an earlier page holds stays, unless the same
training is among the runs given.
"""

import argparse
import json
import re
import statistics
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnncli.training.claims import CLAIMS, Claim
from cnncli.training.published import RECIPES

BEGIN, END = "<!-- accuracies -->", "<!-- end of accuracies -->"
HEADERS = (
    "`cnncli train --reproduce`",
    "network, dataset, recipe",
    "published",
    "n",
    "test accuracy, %",
    "sd",
    "least, most",
    "training accuracy, %",
    "epochs",
    "seconds",
    "hardware",
)
Row = tuple[str, ...]


def read(path: Path) -> dict[str, Any] | None:
    """A run's facts and recipe; None for one that was not evaluated on its test split."""
    facts = json.loads((path / "run.json").read_text(encoding="utf-8"))
    return {**facts, "recipe": tomllib.loads((path / "recipe.toml").read_text())} if facts.get("test") else None


def planned(claim: Claim) -> int:
    """The epochs of a claim's recipe."""
    return int(RECIPES.get(claim.network, {}).get(claim.recipe, {}).get("epochs", 0))


def claim_of(run: dict[str, Any]) -> str | None:
    """The claim that a run is of, by network, dataset and the recipe's source; none for other classes or weights."""
    if run["recipe"].get("only") or "from" in run:
        return None
    for name, claim in CLAIMS.items():
        source = RECIPES.get(claim.network, {}).get(claim.recipe, {}).get("source", "")
        if (claim.network, claim.dataset, source) == (run["network"], run["dataset"], run["recipe"].get("source", "")):
            return name
    return None


def command(run: dict[str, Any]) -> str | None:
    """The words after `--reproduce` that make a run: the claim, and where it was shortened, how."""
    if (name := claim_of(run)) is None:
        return None
    epochs, plan, images = run["recipe"]["epochs"], planned(CLAIMS[name]), run["recipe"].get("per_class")
    name += f" --per-class {images}" if images else ""
    return name if plan in (0, epochs) else f"{name} --epochs {epochs}"


def about(name: str) -> Row:
    """The first cells of a row: what was claimed by whom."""
    claim = CLAIMS[name.split()[0]]
    shortened = f", shortened from {planned(claim)} epochs" if " " in name else ""
    published = f"{100 * claim.published:.2f} ({claim.source})" if claim.published else ""
    return f"`{name}`", f"{claim.network}, {claim.dataset}, {claim.recipe or 'default'}{shortened}", published


def measured(runs: Sequence[dict[str, Any]]) -> Row:
    """The other cells, of runs that differ in their seed alone."""
    accuracies, device = [100 * run["test"]["accuracy"] for run in runs], runs[0]["device"]
    threads = f", {device['threads']} threads" if device["platform"] == "cpu" else ""
    epochs = sorted({run["last"]["epoch"] for run in runs})
    return (
        str(len(runs)),
        f"{statistics.fmean(accuracies):.2f}",
        f"{statistics.stdev(accuracies):.2f}" if len(runs) > 1 else "",
        f"{min(accuracies):.2f}, {max(accuracies):.2f}",
        f"{statistics.fmean(100 * run['last']['train_accuracy'] for run in runs):.2f}",
        ", ".join(map(str, epochs)),
        f"{statistics.median(run['train_seconds'] for run in runs):.0f}",
        f"{device['count']} x {device['kind']}{threads}",
    )


def table(rows: dict[str, Row]) -> str:
    """The rows as Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (HEADERS, ("---",) * len(HEADERS), *rows.values()))


def earlier(text: str) -> dict[str, Row]:
    """What a page holds of each row's measurements, by the command."""
    rows = (line for line in text.splitlines() if line.startswith("| `") and not line.startswith(f"| {HEADERS[0]}"))
    cells = ([cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")] for line in rows)
    return {line[0].strip("`"): tuple(line[3:]) for line in cells}


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--page", type=Path, required=True)
    arguments = parser.parse_args()
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in arguments.runs:
        if (run := read(path)) is not None and (name := command(run)) is not None:
            groups[name].append(run)
    text = arguments.page.read_text(encoding="utf-8")
    found = re.search(f"{BEGIN}\n(.*?){END}", text, flags=re.S)
    if not found:
        parser.error(f"{arguments.page} has no place for the table: {BEGIN} and {END}")
    empty = {name: ("",) * (len(HEADERS) - 3) for name in CLAIMS}
    known = empty | earlier(found[1]) | {name: measured(runs) for name, runs in groups.items()}
    order = sorted(known, key=lambda name: (list(CLAIMS).index(name.split()[0]), name))
    rows = {name: (*about(name), *known[name]) for name in order}
    arguments.page.write_text(text[: found.start(1)] + table(rows) + "\n" + text[found.end(1) :], encoding="utf-8")
    print(f"{len(groups)} rows measured, {len(rows)} written to {arguments.page}")


if __name__ == "__main__":
    main()
