"""`cnncli train --reproduce CLAIM`: train with several seeds, evaluate each, and compare with what was published."""

from dataclasses import replace
from typing import Any

from cnncli.commands.evaluate import BATCH, evaluated, slot_of
from cnncli.commands.running import Way, run, sound
from cnncli.commands.task import Request, Source, new
from cnncli.console import reproduction, terminal
from cnncli.errors import ExpectedNo, UsageError


def changes(request: Request) -> dict[str, Any]:
    """What the command line asks for that the claim's recipe does not have."""
    from cnncli.training.recipe import setting

    adapted = {"input": request.input, "classes": request.classes}
    given = {**dict(setting(text) for text in request.set), **request.settings, **adapted}
    return {key: value for key, value in given.items() if value is not None}


def reproduce(name: str, seeds: int, request: Request, source: Source, how: Way, json: bool) -> None:
    """Run a claim with seeds 0, 1, ... and print mean, deviation and verdict; exit 1 where the claim is not met."""
    from cnncli.training.claims import Reproduction, find

    claim, own = find(name), {"seed", "dataset"} & changes(request).keys()
    if request.network or request.dataset or request.recipe or request.out or own:
        raise UsageError("--reproduce brings its own network, dataset, recipe and seeds; leave them out")
    asked = replace(request, network=claim.network, dataset=claim.dataset, recipe=claim.recipe or None)
    runs, accuracies = [], []
    for seed in range(seeds):
        task = new(replace(asked, settings={**request.settings, "seed": seed}), source, validated=False)
        sound(task, run(task, how))
        _, result, _ = evaluated(task.folder, slot_of(task.folder, None), "test", None, source, BATCH)
        accuracies.append(result.accuracy)
        runs.append(str(task.folder.path))
        terminal.say(f"{task.folder.path}: test accuracy {accuracies[-1]:.2%}")
    found = Reproduction(claim, tuple(accuracies))
    if json:
        terminal.document(reproduction.document(name, found, runs, changes(request)))
    else:
        terminal.result(*reproduction.lines(name, found, runs, changes(request)))
    if found.met is False:
        raise ExpectedNo(f"{name}: mean test accuracy {found.mean:.2%}; expected {claim.wanted}")
