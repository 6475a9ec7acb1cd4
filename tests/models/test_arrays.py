"""Parts of nested dicts of arrays, by the layers' paths."""

from cnncli.models.arrays import flat, only, over, without

ARRAYS = {"conv1": {"kernel": 1, "bias": 2}, "block": {"a": {"kernel": 3}, "b": {"kernel": 4}}, "fc": {"bias": 5}}


def test_arrays_of_some_layers_and_of_all_others_make_the_whole():
    some = only(ARRAYS, {"conv1", "block/b"})
    assert some == {"conv1": {"kernel": 1, "bias": 2}, "block": {"b": {"kernel": 4}}}
    others = without(ARRAYS, {"conv1", "block/b"})
    assert others == {"block": {"a": {"kernel": 3}}, "fc": {"bias": 5}}
    assert over(others, some) == over(some, others) == ARRAYS


def test_a_group_is_no_layer_and_what_is_empty_is_left_out():
    assert only(ARRAYS, {"block"}) == {}
    assert without(ARRAYS, {"block/a", "block/b"}).keys() == {"conv1", "fc"}
    assert without(ARRAYS, set()) == ARRAYS


def test_a_part_goes_over_the_whole_and_the_rest_stays_the_same_object():
    after = over(ARRAYS, {"block": {"a": {"kernel": 30}}})
    assert after["block"] == {"a": {"kernel": 30}, "b": {"kernel": 4}}
    assert after["conv1"] is ARRAYS["conv1"]
    assert ARRAYS["block"]["a"] == {"kernel": 3}
    assert over(ARRAYS, {}) is ARRAYS


def test_arrays_are_listed_by_path_and_name():
    assert list(flat(ARRAYS)) == [
        ("conv1", "kernel", 1),
        ("conv1", "bias", 2),
        ("block/a", "kernel", 3),
        ("block/b", "kernel", 4),
        ("fc", "bias", 5),
    ]
