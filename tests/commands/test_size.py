import pytest


def test_lenet5_has_the_published_totals(cli):
    answer = cli("size", "lenet5", "--json")
    assert answer.code == 0
    assert answer.json["schema"] == "cnncli.size/1"
    assert answer.json["totals"] == {"params": 61706, "stats": 0, "macs": 416520, "connections": 423038}
    assert answer.json["output"] == [10]


def test_rows_add_up_to_the_totals(cli):
    rows, totals = (cli("size", "lenet5", "--json").json[key] for key in ("rows", "totals"))
    assert sum(row["params"] for row in rows) == totals["params"]
    assert sum(row["macs"] for row in rows) == totals["macs"]


def test_text_and_json_say_the_same_numbers(cli):
    lines = {line.split()[0]: line.split() for line in cli("size", "lenet5").out.splitlines()}
    document = cli("size", "lenet5", "--json").json
    for row in document["rows"]:
        said = lines[row["path"]]
        assert "x".join(map(str, row["output"])) in said
        assert not row["params"] or f"{row['params']:,}" in said
        assert not row["macs"] or f"{row['macs']:,}" in said
    assert lines["total"] == ["total", "10", "61,706", "416,520", "16", "4"]


def test_a_table_fits_80_columns_without_blanks_at_its_ends(cli):
    lines = cli("size", "lenet5").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() for line in lines)


def test_input_and_classes_are_adapted(cli):
    document = cli("size", "lenet5", "--input", "28x28x3", "--classes", 4, "--json").json
    assert (document["input"], document["output"]) == ([28, 28, 3], [4])
    assert document["rows"][0]["params"] == (5 * 5 * 3 + 1) * 6


def test_a_run_is_sized_as_it_was_trained(cli, trained):
    document = cli("size", trained, "--json").json
    assert (document["input"], document["totals"]["params"]) == ([8, 8, 1], 65 * 128 + 129 * 10)


def test_a_file_with_a_network_is_sized(cli, tmp_path):
    layers = '[{ layer = "flatten" }, { layer = "dense", features = 3 }]'
    (tmp_path / "net.toml").write_text(f"[tiny]\ninput = [2, 2, 1]\nlayers = {layers}\n")
    assert cli("size", "net.toml", "--json").json["totals"]["params"] == 15
    assert cli("size", "net.toml:tiny", "--json").json["network"] == "tiny"
    assert cli("size", "net.toml:tini").code == 2


def test_what_does_not_fit_is_noted_and_only_strict_minds(cli):
    lenient, strict = cli("size", "lenet5", "--input", 29), cli("size", "lenet5", "--input", 29, "--strict")
    assert "s2: 12.5 rounded down to 12: 1 pixel dropped" in lenient.out
    assert (lenient.code, strict.code, lenient.out) == (0, 1, strict.out)
    assert strict.err.startswith("error: --strict: the windows of 1 layer do not fit their input: s2")
    assert cli("size", "lenet5", "--strict").code == 0


def test_the_calculator_shows_its_formula(cli):
    answer = cli("size", "--input", 227, "--filter", 11, "--stride", 4, "--pad", 0)
    assert (answer.code, answer.out) == (0, "(227 - 11 + 2*0)/4 + 1 = 55\noutput 55x55\n")


def test_the_calculator_answers_no_with_what_would_fit(cli):
    answer = cli("size", "--input", 227, "--filter", 11, "--stride", 4, "--pad", 1)
    assert answer.code == 1
    assert "2 pixels dropped; what fits: input 225 or 229, or padding 0, or stride 2" in answer.out
    assert "1 pixel dropped" in cli("size", "--input", 8, "--filter", 3, "--stride", 2).out


def test_the_calculator_in_json(cli):
    document = cli("size", "--input", "32x32x3", "--filter", 5, "--filters", 6, "--json").json
    assert document["schema"] == "cnncli.calculator/1"
    assert (document["output"], document["fits"]) == ([28, 28, 6], True)
    assert (document["params"], document["macs"]) == (456, 28 * 28 * 6 * 75)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("lenet6", "unknown network 'lenet6'; did you mean 'lenet5'"),
        ("lenet5 --filter 3", "--filter belongs to the calculator"),
        ("lenet5 --stride 2", "--stride belongs to the calculator"),
        ("--input 32 --filter 3 --classes 2", "--classes belongs to a network"),
        ("", "no network given; expected one, or --input and --filter"),
        ("--input 4x --filter 3", "--input is '4x'; expected whole numbers"),
        ("--input 4 --filter 1x1x1", "--filter is '1x1x1'; expected one number, or two"),
        ("--input 4 --filter 1 --pad 1x1x1", "--pad is '1x1x1'"),
        ("--input 4 --filter 11", "larger than what it looks at"),
        ("--input 4 --filter 1 --filters 0", "filters is 0; expected a whole number of at least 1"),
        ("lenet5 --input 5", "pool 's2'"),
        ("lenet5 --classes 0", "--classes is '0'; expected greater than or equal to 1"),
        ("lenet5 --classes x", "--classes is 'x'; expected a valid integer"),
    ],
)
def test_a_mistake_costs_one_line(cli, words, said):
    answer = cli("size", *words.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_a_file_that_is_not_there_is_missing_data(cli):
    assert cli("size", "absent.toml").code == 3
    assert cli("size", "/").code == 3
