import json
import tomllib

import pytest

from cnncli.console.rehearsal import Plan, document, lines
from cnncli.networks.catalogue import find
from cnncli.sizing.size import size
from cnncli.sizing.workload import Workload, cost
from cnncli.training.probe import Timing
from cnncli.training.recipe import Recipe, changed, read

RECIPE = Recipe("lenet5", "digits", precision="float32")


def plan(total=80.0, devices=1, **settings):
    table = changed(RECIPE, settings).to_table()
    return Plan(table, size(find("lenet5")), 1400, 35, 740_000, devices, Timing(0.05, 3.0, total), ((1, 61_706),))


def said(plan):
    recipe, *others = lines(plan)
    return [recipe.text, *map(str, others)]


def test_the_recipe_is_printed_as_it_can_be_given_again():
    shown = said(plan(augment="crop(padding=2), mirror", schedule="step"))
    given = changed(RECIPE, {"augment": "crop(padding=2), mirror", "schedule": "step"})
    assert read(tomllib.loads(shown[0]), "recipe.toml") == given


def test_what_it_would_take_is_said():
    assert said(plan())[1:] == [
        "",
        "# lenet5 at 32x32x1, 10 classes: 61,706 parameters",
        "# 1,400 steps, 35 an epoch, of 128 images",
        "# memory of a step: about 5.39 MiB",
        "# time: about 80 seconds, of which 3 s to compile",
        "# measured: 50 ms a step; validation and checkpoints come on top",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 seconds"), (1.2, "1 second"), (119, "119 seconds"), (150, "2.5 minutes"), (9000, "2.5 hours")],
)
def test_a_time_is_in_the_unit_that_suits_it(seconds, shown):
    assert f"time: about {shown}, of which" in "\n".join(said(plan(total=seconds)))


def test_early_stopping_may_need_less():
    shown = "\n".join(said(plan(stop="early")))
    assert "at most 1,400 steps" in shown
    assert "time: at most about 80 seconds" in shown


def test_memory_is_the_state_the_gradients_and_what_a_part_of_the_batch_needs():
    def activations(batch, dtype="float32", devices=1):
        return cost(size(find("lenet5")), Workload(batch, dtype, devices=devices)).activations

    base = 740_000 + 4 * 61_706
    assert plan().bytes == base + activations(128)
    assert plan(accumulate=4).bytes == base + activations(32)
    assert plan(devices=2, precision="bfloat16").bytes == base + activations(64, "bfloat16")
    assert "memory of a step: about" in said(plan(devices=2))[4]
    assert said(plan(devices=2))[4].endswith(" on each device")


def test_the_document_says_the_same():
    found = document(plan(augment="mirror"))
    assert json.loads(json.dumps(found)) == found
    assert (found["schema"], found["network"], found["params"]) == ("cnncli.plan/1", "lenet5", 61_706)
    assert (found["steps"], found["steps_per_epoch"], found["memory_bytes"]) == (1400, 35, plan().bytes)
    assert (found["step_seconds"], found["compile_seconds"], found["total_seconds"]) == (0.05, 3.0, 80.0)
    assert found["recipe"]["augment"] == [{"name": "mirror", "probability": 0.5}]
    assert found["devices"] == 1
