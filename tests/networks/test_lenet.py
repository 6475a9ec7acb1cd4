"""LeNet5's own facts: table I of 1998, and codes that tell the digits apart."""

from itertools import combinations

from cnncli.networks.lenet import C3_TABLE, DIGIT_CODES

# Table I, column by column, as numbers.md has it.
TABLE_I = [
    *({0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4, 5}, {4, 5, 0}, {5, 0, 1}),
    *({0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {3, 4, 5, 0}, {4, 5, 0, 1}, {5, 0, 1, 2}),
    *({0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}, {0, 1, 2, 3, 4, 5}),
]


def test_c3_takes_from_the_maps_of_table_i():
    assert [set(maps) for maps in C3_TABLE] == TABLE_I


def test_c3_has_60_links_ten_from_each_map():
    taken = [source for maps in C3_TABLE for source in maps]
    assert len(taken) == 60
    assert {taken.count(source) for source in range(6)} == {10}


def test_ten_codes_of_twelve_rows_of_seven():
    assert len(DIGIT_CODES) == 10
    assert all([len(row) for row in code.split(" ")] == [7] * 12 for code in DIGIT_CODES)


def test_codes_differ_in_at_least_six_dots():
    distances = [sum(one != two for one, two in zip(*pair, strict=True)) for pair in combinations(DIGIT_CODES, 2)]
    assert min(distances) >= 6
