"""`cnncli train --reproduce CLAIM`: train with several seeds, evaluate each, and compare with what was published."""

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cnncli.commands import opened
from cnncli.commands.evaluate import BATCH, evaluated
from cnncli.commands.running import Way, run, sound
from cnncli.commands.source import Source
from cnncli.commands.task import Request, new
from cnncli.console import reproduction, terminal
from cnncli.errors import ExpectedNo, Stopped, UsageError
from cnncli.runs.folder import to_json

if TYPE_CHECKING:
    from cnncli.training.claims import Reproduction


def changes(request: Request) -> dict[str, Any]:
    """What the command line asks for that the claim's recipe does not have."""
    from cnncli.training.recipe import setting

    adapted = {"input": request.input, "classes": request.classes}
    given = {**dict(setting(text) for text in request.set), **request.settings, **adapted}
    return {key: value for key, value in given.items() if value is not None}


def reproduce(name: str, seeds: int, request: Request, source: Source, how: Way, json: bool) -> None:
    """Run a claim with seeds 0, 1, ... and print mean, deviation and verdict; exit 1 where the claim is not met.

    Whatever ends it early, what is finished is printed, and how to run the other seeds is said.
    """
    from cnncli.training.claims import Reproduction, find

    claim, own = find(name), {"seed", "dataset"} & changes(request).keys()
    if request.network or request.dataset or request.recipe or request.out or own:
        raise UsageError("--reproduce brings its own network, dataset, recipe and seeds; leave them out")
    asked = replace(request, network=claim.network, dataset=claim.dataset, recipe=claim.recipe or None)
    found = Reproduction(claim, (), seeds)
    runs: list[str] = []
    try:
        for seed in range(seeds):
            path, accuracy = _one(replace(asked, settings={**request.settings, "seed": seed}), source, how)
            runs.append(path)
            found = replace(found, accuracies=(*found.accuracies, accuracy), left=found.left - 1)
    except BaseException as error:
        if runs:
            _show(name, found, runs, request, json)
        if runs or isinstance(error, Stopped):
            # A run that was stopped is gone on with by itself.
            _say_left(range(len(runs) + isinstance(error, Stopped), seeds), asked, source)
        raise
    _show(name, found, runs, request, json)
    if found.met is False:
        raise ExpectedNo(f"{name}: mean test accuracy {found.mean:.2%}; expected {claim.wanted}")


def _one(request: Request, source: Source, how: Way) -> tuple[str, float]:
    """Train with one seed; the run and its accuracy on the test split."""
    task = new(request, source, validated=False)
    sound(task, run(task, how))
    _, result, _ = evaluated(task.folder, opened.slot_of(task.folder, None), "test", None, source, BATCH)
    terminal.say(f"{task.folder.path}: test accuracy {result.accuracy:.2%}")
    return str(task.folder.path), result.accuracy


def _show(name: str, found: "Reproduction", runs: list[str], request: Request, json: bool) -> None:
    if json:
        terminal.document(reproduction.document(name, found, runs, changes(request)))
    else:
        terminal.result(*reproduction.lines(name, found, runs, changes(request)))


def _say_left(seeds: range, request: Request, source: Source) -> None:
    if seeds:
        several = f"seeds {', '.join(map(str, seeds))} are" if len(seeds) > 1 else f"seed {seeds[0]} is"
        terminal.say(f"{several} left; train one with: {alone(request, source, seeds[0])}; then: cnncli eval RUN")


def alone(request: Request, source: Source, seed: int) -> str:
    """The command that trains with one seed and nothing else."""
    settings = [*request.set, *(f"{key}={to_json(value)}" for key, value in request.settings.items())]
    options = {
        "--dataset": request.dataset,
        "--recipe": request.recipe,
        "--seed": seed,
        "--input": request.input,
        "--classes": request.classes,
        "--data-dir": source.data_dir,
        "--device": source.device,
    }
    given = [str(word) for option in options.items() if option[1] is not None for word in option]
    flags = ["--offline"] * source.offline + ["--skip-bad"] * source.skip_bad
    changed = [word for text in settings for word in ("--set", text)]
    return shlex.join(["cnncli", "train", str(request.network), *given, *flags, *changed])
