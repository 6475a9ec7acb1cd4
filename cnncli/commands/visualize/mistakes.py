"""`cnncli visualize mistakes`: the images that a network is most confidently wrong about."""

from cnncli.commands import options
from cnncli.commands.source import Source
from cnncli.commands.visualize import looking
from cnncli.commands.visualize.looking import Place, look, shown, target
from cnncli.errors import ExpectedNo

SHOWN = 20


def mistakes(
    run: options.RunPath,
    label: looking.ClassName = None,
    count: looking.Count = None,
    split: looking.Split = "test",
    dataset: looking.Dataset = None,
    data_dir: looking.DataDir = None,
    checkpoint: looking.Checkpoint = None,
    out: looking.Out = None,
    force: looking.Force = False,
    device: options.Device = None,
    offline: options.Offline = False,
) -> None:
    """The most confidently wrong images, with their class, the predicted one and its probability.

    cnncli visualize mistakes RUN     cnncli visualize mistakes RUN --class cat --count 10
    """
    path = target(out, run, "mistakes", force)
    view = look(run, "mistakes", Place(checkpoint, dataset, split, Source(data_dir, device, offline)))
    from cnncli.drawing import sheet
    from cnncli.visualize.mistakes import mistakes

    only = None if label is None else view.subject.label(label)
    found = mistakes(view.subject, view.data, count or SHOWN, only)
    which = f"of '{view.facts.classes[only]}' " if only is not None else ""
    if not found.total:
        raise ExpectedNo(
            f"nothing to draw: {view.name} makes no mistake on the {found.images:,} images {which}of {view.dataset} "
            f"{split}"
        )
    title = f"{view.name}: the {len(found.places)} surest of {found.total:,} mistakes"
    sheet.draw(found.sheet(title, f"On {found.images:,} images {which}of {view.dataset} {split}."), path, view.about)
    shown(path, f"{found.total:,} mistakes on {found.images:,} images {which}({found.total / found.images:.2%})")
