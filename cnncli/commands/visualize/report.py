"""`cnncli visualize report`: a run on one page of HTML, with nothing outside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnncli import runtime
from cnncli.commands import opened, options
from cnncli.commands.running import verdict_of
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Place, View, look, shown, target
from cnncli.console import terminal

if TYPE_CHECKING:
    from cnncli.evaluation.metrics import Evaluation
    from cnncli.training.diagnosis import Verdict
    from cnncli.visualize.report import Report, Section
    from cnncli.visualize.sections import Looked

Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Default: RUN-report.html here.")]


def report(
    run: options.RunPath,
    seed: looking.Seed = 0,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    out: Out = None,
    force: looking.Force = False,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """A run on one page: facts, curves, confusion, mistakes, filters, patches, attributions and neighbours.

    cnncli visualize report runs/lenet5-mnist-1     cnncli visualize report RUN --out index.html --force
    """
    path = target(out, run, "report", force, ".html")
    view = look(run, "report", Place(checkpoint, dataset, split, Source(data_dir, device, offline)), seed)
    from cnncli.drawing.figure import written
    from cnncli.visualize.report import page

    written(path, page(_report(view)).encode(), "report")
    shown(path)


def _report(view: View) -> "Report":
    """All that there is to say of a run."""
    from cnncli.visualize.report import Report
    from cnncli.visualize.sections import SECTIONS, section

    facts = opened.facts(view.folder)
    terminal.say(f"accuracy on {view.dataset} {view.place.split}")
    looked = _looked(view, facts)
    verdict = _verdict(view, facts, looked.result)
    sections = [_facts(view, facts, looked.result), _diagnosis(verdict)]
    for number, (name, (title, _)) in enumerate(SECTIONS.items(), start=1):
        terminal.say(f"{number} of {len(SECTIONS)}: {title.lower()}")
        sections.append(section(name, looked))
    result, title = looked.result, f"{view.name}: {facts['network']} on {facts['dataset']}"
    lead = f"{result.accuracy:.2%} of {result.count:,} images of {view.dataset} {view.place.split} are recognized."
    return Report(title, f"{lead} The verdict on its training: {verdict.kind}.", sections, view.about)


def _looked(view: View, facts: dict[str, Any]) -> "Looked":
    """The run as its sections look at it, with the whole split evaluated."""
    from cnncli.visualize.sections import Looked
    from cnncli.visualize.subject import BATCH

    subject, data = view.subject, view.data
    result = subject.trained.evaluate(data, min(BATCH, subject.together), runtime.compiler_options())
    metrics, best = view.folder.metrics(), (facts.get("best") or {}).get("epoch")
    run, split = str(view.folder.path), view.place.split
    return Looked(run, split, subject, data, metrics, best, result, view.seed, view.about)


def _verdict(view: View, facts: dict[str, Any], result: "Evaluation") -> "Verdict":
    """What to make of the training; where nothing was held out, by what the test split gave just now."""
    usual = view.place.split == "test" and view.own and view.slot == opened.slot_of(view.folder, None)
    return verdict_of(view.folder, facts | {"test": {"accuracy": result.accuracy}} if usual else facts)


def _facts(view: View, facts: dict[str, Any], result: "Evaluation") -> "Section":
    """The network, the data, the training and the result, a row each."""
    from cnncli.console.summary import in_words
    from cnncli.sizing.size import show, size
    from cnncli.visualize.accuracies import Accuracy
    from cnncli.visualize.report import Section, Table

    network, recipe, about = view.subject.network, opened.recipe(view.folder), view.data.facts
    sized, low_high = size(network), Accuracy(0, result.correct, result.count).interval
    published = "; ".join(filter(None, (network.variant, network.paper)))
    statistics = f", and {sized.totals.stats:,} statistics of BatchNorm" * bool(sized.totals.stats)
    sure = " to ".join(f"{share:.2%}" for share in low_high)
    top5 = f", top-5 {result.top5:.2%}" if result.top5 is not None else ""
    rows = {
        "network": f"{network.name}{f': {published}' * bool(published)}",
        "input": f"{show(network.input)}, {len(about.classes)} classes",
        "parameters": f"{sized.totals.params:,}{statistics}",
        "computation": f"{sized.totals.macs:,} multiply-adds an image, {sized.weight_layers} layers with weights",
        "dataset": f"{about.title}: {about.train:,} images to train on, {about.test:,} to test on",
        "accuracy": f"{result.accuracy:.2%} on {view.dataset} {view.place.split}, {result.correct:,} of "
        f"{result.count:,} images (95% interval {sure}){top5}, loss {result.loss:.4f}",
        **in_words(facts, recipe.to_table()),
        **({"recipe from": recipe.source} if recipe.source else {}),
        "checkpoint": f"{view.slot}, step {view.subject.trained.step:,}",
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
    }
    table = Table("The run in facts", (), [(f"{key[0].upper()}{key[1:]}", str(value)) for key, value in rows.items()])
    return Section("facts", "The run", table=table)


def _diagnosis(verdict: "Verdict") -> "Section":
    """What to make of the training, in words."""
    from cnncli.visualize.report import Section

    reason, *others = verdict.sentences
    tips = [f"What to try: {'; '.join(verdict.advice)}."] if verdict.advice else []
    return Section("diagnosis", "Diagnosis", [f"{verdict.kind.capitalize()}: {reason}", *others, *tips])
