"""`cnncli visualize confusion`: which classes are taken for which."""

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Place, look, shown, target


def confusion(
    run: options.RunPath,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    out: looking.Out = None,
    force: looking.Force = False,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """The confusion matrix of a whole split: true classes down, predicted classes across.

    cnncli visualize confusion RUN     cnncli visualize confusion RUN --split train
    """
    path = target(out, run, "confusion", force)
    view = look(run, "confusion", Place(checkpoint, dataset, split, Source(data_dir, device, offline)))
    from cnncli import runtime
    from cnncli.visualize.confusion import draw, mixed_up
    from cnncli.visualize.subject import BATCH

    subject, data = view.subject, view.data
    result = subject.trained.evaluate(data, min(BATCH, subject.together), runtime.compiler_options())
    title = f"{view.name}, {view.dataset} {split}: {result.accuracy:.2%}"
    draw(result.confusion, result.classes, path, title, view.about)
    pairs = [
        f"{result.classes[true]} taken for {result.classes[predicted]} ({count:,})"
        for count, true, predicted in mixed_up(result.confusion)
    ]
    most = f"; most often wrong: {', '.join(pairs)}" if pairs else ""
    shown(path, f"{result.correct:,} of {result.count:,} right{most}")
