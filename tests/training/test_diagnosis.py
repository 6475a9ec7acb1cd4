"""Verdicts on curves whose kind is known: made with noise, trained for real, and those of the articles."""

from dataclasses import replace
from itertools import accumulate
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.data.augment import read
from cnncli.networks.catalogue import find
from cnncli.networks.network import adapt
from cnncli.training.diagnosis import KINDS, diagnose
from cnncli.training.events import Stopped
from cnncli.training.optimizers import AdamW, Sgd
from cnncli.training.recipe import Recipe
from tests.training.curves import changed, cosine, learning, lines, table, turning

SEEDS = range(25)


def jumping(at):
    """A loss that stays where the steps throw it."""
    leap = (at * 997) % 1
    return 0.6 + 0.9 * leap, 0.8 - 0.2 * leap


# What was trained, what it is called, and the curves of training and validation.
CASES = {
    "validation loss turns": ("overfit", learning(0.05, 0.99), turning(0.8, 0.75)),
    "validation stops and training goes on": ("overfit", learning(0.05, 0.99, 0.3), learning(0.9, 0.72)),
    "overfitting from the beginning": ("overfit", learning(0.0, 1.0), lambda at: (1.0 + at, 0.6)),
    "stopped too soon": ("underfit", lambda at: (2.3 - 0.9 * at, 0.1 + 0.4 * at), lambda at: (2.3 - at, 0.1 + at / 2)),
    "as good new as seen": ("good", learning(0.03, 0.99), learning(0.05, 0.985)),
    "validation above training": ("good", learning(0.4, 0.87), learning(0.1, 0.985)),
    "stands still at little": ("plateau", learning(1.2, 0.55, 0.08), learning(1.25, 0.54, 0.08)),
    "never learned": ("plateau", lambda at: (2.303, 0.1), lambda at: (2.303, 0.1)),
    "learned next to nothing": ("plateau", lambda at: (2.3 - 0.05 * at, 0.1), lambda at: (2.3 - 0.05 * at, 0.1)),
    "leaps": ("rate-too-high", jumping, jumping),
    "learned and forgot": ("rate-too-high", lambda at: (2.3, 0.1 + 2 * at * (1 - at)), lambda at: (2.3, 0.3 - at / 5)),
    "blown up": ("rate-too-high", lambda at: (2.3 + 900 * 2.0 ** (-30 * at), 0.1), lambda at: (2.5, 0.1)),
    "thrown up in the middle": ("rate-too-high", lambda at: (200 + 4e3 * at * (1 - at), 0.2), lambda at: (90.0, 0.2)),
    "ran away": ("diverged", lambda at: (2.0 + 20 * at**2, 0.2), lambda at: (2.0 + 30 * at**2, 0.2)),
}
# The same once the rate has come down: then standing still is the end of it.
FINISHED = {
    "a small network": ("underfit", learning(1.2, 0.55, 0.08), learning(1.25, 0.54, 0.08)),
    "as well as it can": ("good", learning(0.4, 0.86), learning(0.5, 0.83)),
    "mixed images": ("good", learning(1.4, 0.55), learning(0.6, 0.83)),
    "a resnet on cifar10": ("good", learning(0.05, 0.985), turning(0.28, 0.925, 0.6, 0.15)),
    "alexnet on cifar10": ("overfit", learning(0.1, 0.97), turning(0.75, 0.8, 0.3, 0.6)),
}


@pytest.mark.parametrize("epochs", [12, 30, 150])
@pytest.mark.parametrize(("kind", "train", "val"), CASES.values(), ids=CASES)
def test_each_kind_is_told_through_noise(kind, train, val, epochs):
    found = [diagnose(lines(epochs, train, val, noise=0.01, seed=seed)).kind for seed in SEEDS]
    assert found == [kind] * len(SEEDS)


@pytest.mark.parametrize("epochs", [12, 30, 150])
@pytest.mark.parametrize(("kind", "train", "val"), FINISHED.values(), ids=FINISHED)
def test_a_rate_that_ran_down_is_the_end(kind, train, val, epochs):
    found = [diagnose(lines(epochs, train, val, cosine, noise=0.01, seed=seed)).kind for seed in SEEDS]
    assert found == [kind] * len(SEEDS)


SMOOTH = [case for name, case in CASES.items() if name != "leaps"]
FACTORS = {"train_loss": 2.0, "val_loss": 3.0, "train_accuracy": 0.7, "val_accuracy": 0.6}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("kind", "train", "val"), SMOOTH, ids=[name for name in CASES if name != "leaps"])
def test_one_bad_epoch_changes_nothing(kind, train, val, seed):
    metrics = lines(20, train, val, noise=0.005, seed=seed)
    assert {diagnose(changed(metrics, epoch, **FACTORS)).kind for epoch in range(1, 21)} == {kind}


@given(st.sampled_from([*CASES.values(), *FINISHED.values()]), st.floats(1e-3, 1e3), st.integers(0, 50))
def test_the_unit_of_the_loss_does_not_matter(case, unit, seed):
    metrics = lines(20, *case[1:], noise=0.01, seed=seed)
    scaled = [{**line, **{key: unit * line[key] for key in ("train_loss", "val_loss")}} for line in metrics]
    one, other = diagnose(metrics), diagnose(scaled)
    assert one.kind == other.kind
    assert other.evidence.turned == pytest.approx(one.evidence.turned)
    assert other.evidence.val_loss.trend == pytest.approx(one.evidence.val_loss.trend)


@pytest.mark.parametrize(("kind", "train", "val"), SMOOTH, ids=[name for name in CASES if name != "leaps"])
def test_the_number_of_epochs_does_not_matter(kind, train, val):
    assert {diagnose(lines(epochs, train, val)).kind for epochs in (10, 15, 40, 300)} == {kind}


@st.composite
def improving(draw):
    """Epochs of which each is better than the one before by a fair step, however far validation lags behind."""
    count = draw(st.integers(2, 40))
    steps = st.lists(st.floats(0.5, 1.5), min_size=count, max_size=count)

    def curve(first, last):
        far = list(accumulate(draw(steps)))
        return [first + (last - first) * at / far[-1] for at in far]

    ends = {"train_loss": (2.3, 0.0), "val_loss": (2.3, 1.0), "train_accuracy": (0.1, 1.0), "val_accuracy": (0.1, 0.6)}
    columns = [curve(first, first + draw(st.floats(0.4, 1)) * (last - first)) for first, last in ends.values()]
    return [dict(zip(("epoch", *ends), line, strict=True)) for line in zip(range(1, count + 1), *columns, strict=True)]


@given(improving())
def test_what_gets_better_to_the_end_is_never_overfitting(metrics):
    assert diagnose(metrics).kind != "overfit"


def test_the_articles_lesson():
    """The Keras article's AlexNet: 50 epochs, nothing held out, 77 % in training and 55.49 % on the test split."""
    metrics = lines(50, learning(0.7, 0.79, 0.25))
    alone, tested = diagnose(metrics), diagnose(metrics, evaluated=0.5549)
    assert alone.kind == "unknown"
    assert any("Nothing was held out" in sentence for sentence in alone.sentences)
    assert tested.kind == "overfit"
    assert "22.0 points" in tested.sentences[0]
    assert "55.5% on the test split" in " ".join(tested.sentences)


def test_a_test_as_good_as_training_is_a_good_fit():
    assert diagnose(lines(12, learning(0.03, 0.99)), evaluated=0.987).kind == "good"


def test_the_test_decides_nothing_where_there_is_validation():
    assert diagnose(lines(20, learning(0.03, 0.99), learning(0.05, 0.985)), evaluated=0.1).kind == "good"


def test_without_validation_a_training_that_fails_is_told_all_the_same():
    found = {kind for kind, train, _ in CASES.values() if diagnose(lines(20, train)).kind == kind}
    assert found == {"plateau", "rate-too-high", "diverged"}


@pytest.mark.parametrize("epochs", [0, 1, 2, 3, 4])
def test_four_epochs_are_no_trend(epochs):
    verdict = diagnose(lines(epochs, learning(0.03, 0.99), turning(0.8, 0.75)))
    assert verdict.kind == "unknown"
    assert verdict.sentences == (f"To see a trend takes 5 epochs; so far there are {epochs}.",)


# Three epochs of lenet5 on 40 images of each digit, whose rate runs down in them: the accuracies still rise.
SHORT = {
    "alexnet-sgd": table(
        (2.348, 1.743, 1.268), (0.056, 0.444, 0.634), (2.065, 1.299, 0.951), (0.275, 0.638, 0.838), (1e-2, 5e-3, 5e-5)
    ),
    "sgd": table(
        (2.042, 0.860, 0.630), (0.219, 0.731, 0.784), (1.196, 0.501, 0.390), (0.625, 0.838, 0.863), (5e-2, 2e-2, 2e-4)
    ),
}
GOING_ON = {
    "done": ("more epochs (--epochs)",),
    "early": ("more patience (--set stop.patience=...)",),
    "max-time": ("go on where it was stopped (--resume)",),
    "signal": ("go on where it was stopped (--resume)",),
    "until": (),
}


@pytest.mark.parametrize("ended", GOING_ON)
@pytest.mark.parametrize("metrics", SHORT.values(), ids=SHORT)
def test_of_a_short_training_one_cannot_say_what_it_lacks(metrics, ended):
    verdict = diagnose(metrics, ended)
    assert (verdict.kind, verdict.advice) == ("unknown", GOING_ON[ended])


def test_a_loss_that_runs_away_is_told_at_once():
    """Already in three epochs, of which one that leaps up and comes back is no sign."""
    away = diagnose(table((2.3, 50.0, 800.0), (0.1, 0.1, 0.1)))
    assert (away.kind, away.sentences[0]) == ("diverged", "Training loss ran away, from 2.3 to 50.")
    assert diagnose(table((2.3, 800.0, 2.2), (0.1, 0.1, 0.2))).kind == "unknown"


def test_a_loss_far_above_its_beginning_that_comes_down_has_not_run_away():
    thrown = (2.2, 12.7, 69.0, 98.3, 85.7, 62.0, 46.5, 41.4, 33.1, 30.7)
    verdict = diagnose(table(thrown, (0.1, 0.2, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.2)))
    assert verdict.kind == "rate-too-high"
    assert verdict.sentences[0] == "Training loss rose from 2.2 to 85.7, and ended at 33.1."


def test_a_loss_thrown_up_in_the_second_epoch_asks_for_a_lower_rate():
    """lenet5 at 75 times its rate; the median of the first three epochs is thrown up already."""
    verdict = diagnose(
        table(
            (3.016, 4.570, 4.709, 5.393, 3.568, 3.247, 3.115, 3.829, 3.193, 2.771),
            (0.181, 0.175, 0.356, 0.331, 0.331, 0.406, 0.369, 0.350, 0.463, 0.569),
            (4.436, 4.877, 5.132, 3.163, 3.201, 2.795, 3.160, 4.734, 3.464, 3.444),
            (0.175, 0.400, 0.300, 0.325, 0.425, 0.450, 0.400, 0.375, 0.475, 0.525),
            (0.084, 0.258, 0.298, 0.276, 0.232, 0.175, 0.113, 0.058, 0.018, 0.001),
        )
    )
    assert verdict.kind == "rate-too-high"
    assert verdict.sentences[0] == "Training loss rose from 3.02 to 4.71, and ended at 3.19."
    assert verdict.advice[0].startswith("a rate of a third to a tenth")


@pytest.mark.parametrize("ended", ["until", "max-time", "signal"])
def test_a_training_that_was_stopped_is_not_blamed_for_it(ended):
    metrics = lines(8, *CASES["stopped too soon"][1:])
    verdict = diagnose(metrics, ended)
    assert (verdict.kind, verdict.advice) == ("unknown", GOING_ON[ended])
    assert verdict.sentences[0] == "Training was stopped while the loss was still falling."
    assert diagnose(metrics).kind == "underfit"


@pytest.mark.parametrize("name", ["stopped too soon", "stands still at little", "learned and forgot"])
def test_an_accuracy_that_was_asked_for_and_reached_needs_no_remedy(name):
    metrics = lines(20, *CASES[name][1:])
    assert diagnose(metrics).kind == CASES[name][0]
    assert diagnose(metrics, "until").kind in ("unknown", "good")


@pytest.mark.parametrize("ended", ["max-time", "signal"])
def test_a_training_that_stood_still_when_it_was_stopped_is_a_plateau(ended):
    assert diagnose(lines(20, *CASES["stands still at little"][1:]), ended).kind == "plateau"


def test_a_loss_that_never_moved_is_no_underfit_however_the_guesses_fall():
    """mse with an initialization too small to begin; of 40 images to validate on a tenth is found by chance."""
    verdict = diagnose(
        table(
            (0.09,) * 8,
            (0.056, 0.038, 0.069, 0.075, 0.075, 0.100, 0.106, 0.106),
            (0.09,) * 8,
            (0.0, 0.025, 0.1, 0.0, 0.1, 0.1, 0.125, 0.125),
            (0.004, 0.010, 0.010, 0.008, 0.006, 0.003, 0.001, 3e-5),
        )
    )
    assert verdict.kind == "plateau"
    assert verdict.sentences[0] == "Training loss hardly moved, from 0.09 to 0.09."


def test_what_has_become_worse_is_not_said_to_have_held():
    verdict = diagnose(
        table(
            (0.593, 0.543, 0.234, 0.063, 0.046, 0.023, 0.132, 0.067),
            (0.719, 0.813, 0.906, 1.0, 1.0, 1.0, 0.969, 0.969),
            (0.683, 0.301, 0.068, 0.027, 0.065, 0.102, 0.145, 0.155),
            (0.625, 0.875, 1.0, 1.0, 1.0, 0.875, 0.875, 0.875),
            (2e-4, 2e-3, 4e-3, 4e-3, 3e-3, 2e-3, 1e-3, 3e-4),
        )
    )
    assert (verdict.kind, verdict.sentences[0]) == ("good", "New images cost the network 9.4 points of accuracy.")
    assert verdict.sentences[-1] == "Validation loss was lowest around epoch 4, 0.065, and rose to 0.145."


def test_validation_holds_only_where_there_is_some():
    held = diagnose(lines(20, learning(0.1, 0.97), learning(0.3, 0.90)))
    tested = diagnose(lines(20, learning(0.1, 0.97)), evaluated=0.90)
    assert held.sentences[0].endswith("points of accuracy, and validation does not get worse.")
    assert tested.sentences[0].endswith("points of accuracy.")


def test_what_a_few_epochs_are_typically_is_said_so():
    verdict = diagnose(table((1.8, 0.9, 0.6, 0.5, 0.4, 0.3), (0.3, 0.7, 0.75, 0.80, 0.81, 0.85)))
    assert verdict.sentences[0] == "Training accuracy is typically 81.0% at the end."
    assert verdict.advice[0].startswith("hold images out")


@pytest.mark.parametrize("epochs", [0, 1, 20])
def test_how_it_ended_goes_before_how_it_looks(epochs):
    verdict = diagnose(lines(epochs, learning(0.03, 0.99), learning(0.05, 0.985)), "diverged")
    assert verdict.kind == "diverged"
    assert verdict.sentences == (f"The loss stopped being a number in epoch {epochs + 1}.",)


@pytest.mark.parametrize("value", [None, nan, inf])
@pytest.mark.parametrize("key", ["train_loss", "val_loss"])
def test_a_last_loss_that_is_no_number_has_diverged(key, value):
    metrics = lines(10, learning(0.03, 0.99), learning(0.05, 0.985))
    assert diagnose([*metrics[:-1], {**metrics[-1], key: value}]).kind == "diverged"


def test_early_stopping_is_an_end_like_a_rate_that_ran_down():
    metrics = lines(20, learning(0.4, 0.86, 0.05), learning(0.5, 0.83, 0.05))
    assert (diagnose(metrics).kind, diagnose(metrics, "early").kind) == ("plateau", "good")


def test_an_overfit_says_when_it_began_and_what_to_try():
    verdict = diagnose(lines(50, learning(0.05, 0.99), turning(0.8, 0.75)), best=14)
    said = " ".join(verdict.sentences)
    assert "around epoch 14, 0.841" in said
    assert "The best checkpoint is that of epoch 14" in said
    assert verdict.advice[0] == "early stopping: validation was best around epoch 14"
    assert any("augmentation" in advice for advice in verdict.advice)
    assert verdict.evidence.gap_at_end.accuracy == pytest.approx(0.239, abs=1e-3)


def test_an_early_end_asks_for_more_epochs():
    verdict = diagnose(lines(8, *CASES["stopped too soon"][1:]))
    assert verdict.advice[0] == "more epochs (--epochs)"


def test_every_kind_has_a_case():
    assert {case[0] for case in CASES.values()} | {"unknown"} == set(KINDS)


@pytest.fixture(scope="module")
def plain():
    """Training of the mlp on digits with nothing against overfitting."""
    return Recipe("mlp", "digits", epochs=30, batch_size=16, validation=0.95, precision="float32")


def trained(training, recipe):
    training.recipe, folder = recipe, training.folder()
    ended = [event for event in training.events(folder) if isinstance(event, Stopped)]
    return folder.metrics(), ended[-1].reason


def test_few_images_are_learned_by_heart(training, plain):
    """With 72 images to train on the mlp knows them all, and about 85 % of the other 1,365."""
    verdict = diagnose(*trained(training, replace(plain, optimizer=AdamW(lr=3e-3))))
    assert verdict.kind == "overfit"
    assert verdict.evidence.train_accuracy.last > 0.99


def test_enough_images_are_not(training, plain):
    recipe = replace(plain, epochs=15, batch_size=64, validation=0.2, optimizer=AdamW(lr=3e-3))
    assert diagnose(*trained(training, recipe)).kind == "good"


def test_a_rate_of_a_thousand_diverges(training, plain):
    metrics, reason = trained(training, replace(plain, validation=0.2, optimizer=Sgd(lr=1e3)))
    assert reason == "diverged"
    assert diagnose(metrics, reason).kind == "diverged"


def test_a_rate_that_is_somewhat_too_high_is_seen(training, plain):
    recipe = replace(plain, epochs=15, batch_size=32, validation=0.2, optimizer=AdamW(lr=10.0))
    assert diagnose(*trained(training, recipe)).kind == "rate-too-high"


def test_a_rate_that_is_far_too_low_stands_still(training, plain):
    recipe = replace(plain, epochs=6, batch_size=64, validation=0.2, optimizer=Sgd(lr=1e-6))
    assert diagnose(*trained(training, recipe)).kind == "plateau"


def test_a_rate_so_high_that_a_lower_one_was_never_tried_is_seen(training, plain):
    """Bounded units keep the loss finite; what it came down to by the end is no sign that the rate was too low."""
    training.network = adapt(find("lenet5"), (32, 32, 1), 10)
    recipe = replace(plain, epochs=12, batch_size=64, validation=0.2, optimizer=Sgd(lr=1e3))
    verdict = diagnose(*trained(training, recipe))
    assert verdict.kind == "rate-too-high"
    assert "a rate of a third to a tenth" in verdict.advice[0]


@pytest.mark.parametrize("augment", ["mixup", "cutmix"])
def test_mixed_images_are_not_underfitting(training, plain, augment):
    """Their training accuracy is low, since half of what is in them is another class."""
    recipe = replace(plain, epochs=30, batch_size=32, validation=0.2, augment=read(augment, ""))
    verdict = diagnose(*trained(training, recipe))
    assert verdict.evidence.train_accuracy.last < 0.8 < verdict.evidence.val_accuracy.last
    assert (verdict.kind, verdict.advice) == ("good", ())


def test_a_loss_of_mixed_images_that_hardly_moves_is_no_plateau_where_accuracy_rises():
    metrics = lines(20, lambda at: (2.25 - 0.05 * at, 0.2), learning(0.8, 0.83, 0.2), cosine)
    assert diagnose(metrics).kind == "good"


figures = st.none() | st.floats(allow_nan=True, allow_infinity=True)
keys = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate")


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(keys, figures)), max_size=12), figures)
def test_whatever_stands_in_the_metrics_there_is_a_verdict(found, evaluated):
    metrics = [{"epoch": epoch, **line} for epoch, line in enumerate(found, start=1)]
    verdict = diagnose(metrics, evaluated=evaluated)
    assert verdict.kind in KINDS
    assert all(verdict.sentences)
