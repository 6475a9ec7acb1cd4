import json
import os
import re
import resource
import subprocess

import pytest

from cnncli.console import runs
from cnncli.errors import Bug
from cnncli.models import summary as built
from tests.commands.conftest import at_terminal, command


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_a_network_is_built_and_agrees_with_sizing(cli):
    answer = cli("summary", "lenet5")
    assert answer.code == 0
    assert ["c1/kernel", "5x5x1x6", "float32", "glorot-uniform", "150", "600"] in rows(answer.out)
    assert "trained 61,706, BatchNorm statistics 0, frozen 0, random state 0;" in answer.out
    assert answer.out.endswith("sizing and the built model agree\n")


def test_the_document_counts_as_size_does(cli):
    document, sized = cli("summary", "resnet20", "--json").json, cli("size", "resnet20", "--json").json
    params, stats = sized["totals"]["params"], sized["totals"]["stats"]
    assert document["schema"] == "cnncli.summary/1"
    assert document["totals"] == {
        "params": params,
        "trained": params,
        "frozen": 0,
        "stats": stats,
        "random": 0,
        "bytes": 4 * (params + stats),
    }
    assert sum(one["values"] for one in document["arrays"] if one["trained"]) == params
    assert (document["run"], document["recipe"], document["xla"]) == (None, None, None)


def test_the_document_says_how_each_array_starts(cli):
    arrays = {one["path"]: one for one in cli("summary", "resnet20", "--json").json["arrays"]}
    assert [arrays[f"bn1/{name}"]["init"] for name in ("scale", "bias", "mean", "var")] == [
        *("ones", "zeros", "zeros", "ones")
    ]
    assert arrays["conv1/kernel"]["init"] == "he-normal"
    assert [arrays[f"bn1/{name}"]["kind"] for name in ("scale", "mean")] == ["trained", "statistic"]


def test_a_disagreement_is_our_bug_and_names_the_path(cli, monkeypatch):
    def wrong(report, model):
        yield "c1: sizing counts 156 parameters, the model has 157"

    monkeypatch.setattr(built, "_disagreements", wrong)
    answer = cli("summary", "lenet5")
    assert (answer.code, answer.out) == (Bug.exit, "")
    assert answer.err == "error: lenet5: c1: sizing counts 156 parameters, the model has 157\n"


def test_xla_is_set_beside_sizing(cli):
    document = cli("summary", "mlp", "--xla", "--batch", 8, "--json").json
    xla, macs = document["xla"], 784 * 128 + 128 * 10
    assert (xla["platform"], xla["batch"], xla["dtype"], xla["optimizer"]) == ("cpu", 8, "float32", "adamw")
    forward, step = xla["forward"], xla["training_step"]
    assert (forward["sizing_flops"], step["sizing_flops"]) == (16 * macs, 48 * macs)
    assert step["apart"]["first_layers"] == -16 * 784 * 128
    assert step["flops"] == step["sizing_flops"] + sum(step["apart"].values())
    assert step["flops_ratio"] == step["flops"] / step["sizing_flops"]
    assert step["bytes"] == step["argument_bytes"] + step["result_bytes"] + step["temporary_bytes"]


def test_xla_s_figures_are_a_table_that_names_its_reasons(cli):
    answer = cli("summary", "mlp", "--xla")
    assert (answer.code, answer.err) == (0, "")
    table = rows(answer.out)
    assert ["XLA", "on", "cpu,", "batch", "32,", "float32,", "adamw"] in table
    assert ["FLOPs,", "sizing", f"{64 * 101_632:,}", f"{192 * 101_632:,}"] in table
    assert ["first", "layers", f"{-64 * 784 * 128:,}"] in table
    assert "First layers need no gradient of their input." in " ".join(answer.out.split())
    assert "padding" not in answer.out


def test_a_run_is_compiled_by_its_own_recipe(cli, trained):
    xla = cli("summary", trained, "--xla", "--json").json["xla"]
    assert (xla["batch"], xla["optimizer"]) == (32, "adamw")
    assert cli("summary", trained, "--xla", "--batch", 5, "--json").json["xla"]["batch"] == 5


def test_a_run_says_how_it_was_trained(cli, trained):
    lines = cli("summary", trained).out.splitlines()
    assert lines[0].split() == ["status", "done"]
    assert any("epochs 2, batch 32, adamw" in line for line in lines)
    document = cli("summary", trained, "--json").json
    assert (document["run"]["status"], document["recipe"]["epochs"]) == ("done", 2)


def test_runs_stand_beside_each_other(cli, trained, copy):
    facts = json.loads((copy / "run.json").read_text())
    facts |= {"status": "stopped: signal", "seed": 7, "best": None, "last": facts["last"] | {"epoch": 1}}
    (copy / "run.json").write_text(json.dumps(facts))
    answer = cli("summary", trained, copy)
    header, first, second = (re.split(r" {2,}", line.strip()) for line in answer.out.splitlines())
    assert header == [
        *("run", "network", "dataset", "params", "epochs", "best", "validation", "training", "test", "seconds"),
        *("device", "seed", "status"),
    ]
    assert (first[:5], first[-2:]) == ([str(trained), "mlp", "digits", "9,610", "2"], ["0", "done"])
    assert second[:5] == [str(copy), "mlp", "digits", "9,610", "1/2"]
    assert second[5] == f"{facts['last']['train_accuracy']:.2%}"
    assert second[-2:] == ["7", "stopped: signal"]


def test_runs_beside_each_other_are_one_document(cli, trained, copy):
    document = cli("summary", trained, copy, "--json").json
    facts = json.loads((trained / "run.json").read_text())
    assert document["schema"] == "cnncli.runs/1"
    assert [one["run"] for one in document["runs"]] == [str(trained), str(copy)]
    one = document["runs"][0]
    assert (one["network"], one["params"], one["epochs"], one["seed"]) == ("mlp", 9610, 2, 0)
    assert (one["best"], one["last"], one["device"]) == (facts["best"], facts["last"], facts["device"])


def test_a_run_that_has_trained_nothing_yet_has_gaps():
    facts = {"network": "mlp", "dataset": "digits", "status": "running"}
    facts |= {"device": {"platform": "cpu", "kind": "CPU", "count": 1}}
    entry = runs.Entry("run", facts, 20, 9610)
    cells = [next(iter(column.cells)) for column in runs.table([entry]).columns]
    assert cells == ["run", "mlp", "digits", "9,610", "0/20", "", "", "", "", "", "1 x cpu (CPU)", "", "running"]


def test_one_broken_run_is_named(cli, trained, copy):
    (copy / "run.json").write_text("{")
    answer = cli("summary", trained, copy)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err.startswith(f"error: {copy / 'run.json'} is damaged")
    (copy / "recipe.toml").unlink()
    assert cli("summary", copy, trained).err.startswith(f"error: {copy} is not a run folder: it lacks recipe.toml")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("lenet5", "alexnet"),
            2,
            "summary shows one network at a time; compare them with: cnncli size lenet5 alexnet",
        ),
        (("lenet5", "RUN"), 2, "'lenet5' is a network; only runs go beside each other (cnncli size compares networks)"),
        (("RUN", "net.toml:a"), 2, "'net.toml:a' is a network; only runs go"),
        (("RUN", "runs/x"), 3, "no run folder runs/x"),
        (("RUN", "RUN", "--classes", 3), 2, "--classes belongs to one network; 2 runs are given"),
        (("RUN", "RUN", "--xla"), 2, "--xla belongs to one network; 2 runs are given"),
        (("lenet5", "--batch", 8), 2, "--batch says how to compile a network: add --xla"),
        (("lenet5", "--device", "cpu"), 2, "--device says how to compile a network: add --xla"),
        (("lenet5", "--xla", "--device", "abacus"), 2, "--device is 'abacus'; expected one of cpu, gpu, tpu"),
        (("lenet5", "--xla", "--batch", 0), 2, "--batch is '0'"),
        (("lenet6",), 2, "unknown network 'lenet6'"),
        ((".",), 3, ". is not a run folder"),
    ],
)
def test_mistakes_cost_one_line(cli, trained, words, code, said):
    answer = cli("summary", *(trained if word == "RUN" else word for word in words))
    assert (answer.code, answer.out, answer.err.count("\n")) == (code, "", 1)
    assert answer.err.startswith(f"error: {said}")


def test_input_and_classes_are_adapted(cli):
    document = cli("summary", "mlp", "--input", "4x4x1", "--classes", 3, "--json").json
    assert (document["output"], document["totals"]["params"]) == ([3], 17 * 128 + 129 * 3)


def test_no_number_is_cut_on_a_narrow_terminal(cli):
    whole = cli("summary", "lenet5", "--xla").out
    narrow = re.sub(r"\x1b\[\d+m", "", at_terminal(40, "summary", "lenet5", "--xla").out)
    numbers = set(re.findall(r"[\d,.]{4,}", whole.partition("FLOPs, of the")[0]))
    assert len(numbers) > 30
    assert {number for number in numbers if number not in narrow} == set()


# Of a process that finds nothing compiled before; what it computes, since other tests run on the same cores.
@pytest.mark.slow
@pytest.mark.parametrize(("words", "seconds"), [((), 15), (("--xla",), 120)])
def test_resnet152_is_summarized_in_time(tmp_path, words, seconds):
    fresh = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    fresh.pop("JAX_COMPILATION_CACHE_DIR", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command("summary", "resnet152", *words), check=True, capture_output=True, env=fresh, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < seconds
