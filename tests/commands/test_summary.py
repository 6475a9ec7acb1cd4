def test_a_network_is_built_and_agrees_with_sizing(cli):
    answer = cli("summary", "lenet5")
    assert answer.code == 0
    assert ["c1/kernel", "5x5x1x6", "float32", "150", "600"] in [line.split() for line in answer.out.splitlines()]
    assert answer.out.endswith("sizing and the built model agree\n")


def test_the_document_counts_as_size_does(cli):
    built, sized = cli("summary", "lenet5", "--json").json, cli("size", "lenet5", "--json").json
    assert built["schema"] == "cnncli.summary/1"
    assert built["totals"] == {"params": sized["totals"]["params"], "stats": 0, "bytes": 4 * 61706}
    assert sum(one["values"] for one in built["arrays"]) == 61706
    assert (built["run"], built["recipe"]) == (None, None)


def test_a_run_says_how_it_was_trained(cli, trained):
    lines = cli("summary", trained).out.splitlines()
    assert lines[0].split() == ["status", "done"]
    assert any("epochs 2, batch 32, adamw" in line for line in lines)
    document = cli("summary", trained, "--json").json
    assert (document["run"]["status"], document["recipe"]["epochs"]) == ("done", 2)


def test_input_and_classes_are_adapted(cli):
    document = cli("summary", "mlp", "--input", "4x4x1", "--classes", 3, "--json").json
    assert (document["output"], document["totals"]["params"]) == ([3], 17 * 128 + 129 * 3)


def test_mistakes_cost_one_line(cli):
    unknown, missing = cli("summary", "lenet6"), cli("summary", ".")
    assert (unknown.code, missing.code) == (2, 3)
    assert (unknown.err.count("\n"), missing.err.count("\n")) == (1, 1)
