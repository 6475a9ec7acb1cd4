"""Run folders that somebody has edited, or a disk has damaged: one line, and never our bug."""

import json

import pytest


def edit(run, change):
    file = run / "run.json"
    facts = json.loads(file.read_text())
    change(facts)
    file.write_text(json.dumps(facts))


def refused(answer, code, said):
    assert (answer.code, answer.out) == (code, ""), answer.err
    assert said in answer.err
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("command", [("eval",), ("summary",), ("train", "--resume")])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda facts: facts.clear(), "status is missing"),
        (lambda facts: facts.update(device=3), "device is 3; expected a table"),
        (lambda facts: facts["device"].update(threads="x"), "threads is 'x'; expected a number"),
        (lambda facts: facts["device"].update(threads=-5), "threads of device is -5; expected at least 1"),
        (lambda facts: facts["data"].update(dir=5), "dir is 5; expected text"),
        (lambda facts: facts.update(best={"epoch": 1}), "val_accuracy is missing"),
        (lambda facts: facts.update(train_seconds="long"), "train_seconds is 'long'; expected a number"),
    ],
)
def test_facts_that_cannot_be_are_refused(cli, copy, command, change, said):
    edit(copy, change)
    refused(cli(*command, copy), 3, said)


@pytest.mark.parametrize("command", [("eval",), ("summary",), ("train", "--resume")])
@pytest.mark.parametrize(
    ("file", "text", "code", "said"),
    [
        ("run.json", '{"a":', 3, "run.json is damaged"),
        ("run.json", "[]", 3, "not a JSON object"),
        ("recipe.toml", "x = [", 3, "recipe.toml is damaged"),
        ("network.toml", "[", 2, "network.toml: not TOML"),
        ("network.toml", "", 2, "network.toml: no network in it"),
    ],
)
def test_files_that_do_not_parse_are_refused(cli, copy, command, file, text, code, said):
    edit(copy, lambda facts: facts.update(status="running"))
    (copy / file).write_text(text)
    refused(cli(*command, copy), code, said)


@pytest.mark.parametrize("command", [("eval",), ("summary",), ("train", "--resume")])
def test_a_recipe_that_cannot_be_is_refused(cli, copy, command):
    edit(copy, lambda facts: facts.update(status="running"))
    (copy / "recipe.toml").write_text('network = "mlp"\ndataset = "digits"\noptimizer = 3\n')
    refused(cli(*command, copy), 2, "[optimizer] is 3; expected a table with a name")


def test_a_truncated_checkpoint_is_refused(cli, copy):
    for file in copy.glob("checkpoints/best/*/params/**/d/*"):
        file.write_bytes(file.read_bytes()[:20])
    refused(cli("eval", copy), 3, "params of checkpoint 'best'")


def test_another_networks_checkpoint_is_refused(cli, copy):
    file = copy / "network.toml"
    file.write_text(file.read_text().replace("128", "64"))
    refused(cli("eval", copy), 3, "hidden/bias is float32[128], expected float32[64]")


def test_a_run_without_checkpoints_says_how_to_go_on(cli, copy):
    (copy / "checkpoints").rename(copy / "elsewhere")
    refused(cli("eval", copy), 3, f"has no checkpoint yet; train it with: cnncli train --resume {copy}")


def test_a_damaged_line_of_metrics_is_named(cli, copy):
    edit(copy, lambda facts: facts.update(status="running"))
    (copy / "metrics.jsonl").write_text('{"a\n')
    answer = cli("train", "--resume", copy)
    assert (answer.code, answer.out) == (3, "")
    assert "metrics.jsonl, line 1 is damaged" in answer.err
