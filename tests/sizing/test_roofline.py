"""Floors by hand, and bounds that hold for every network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncli.errors import UsageError
from cnncli.networks.catalogue import CATALOGUE, find
from cnncli.networks.layers import Activation, BatchNorm, Conv, Dense, Flatten, Group, Pool
from cnncli.networks.network import Network
from cnncli.sizing.report import Row, fold
from cnncli.sizing.roofline import PROFILES, Peak, floor, peak, roofline
from cnncli.sizing.size import size
from cnncli.sizing.workload import BYTES, Workload
from tests.strategies import networks

# A device of round numbers: 10^12 operations and 10^9 bytes a second.
ROUND = Peak("round", 1e12, 1e9)
# One whose memory is as good as free.
COMPUTE = Peak("compute", 1e12, 1e15)


def floors(load, limit, *layers, input=(10, 10, 4)):
    return [floor(row, load, limit) for row in size(Network("n", input, layers)).rows]


def test_a_convolution_moves_its_input_output_and_parameters():
    (found,) = floors(Workload(2), ROUND, Conv(8, 3, padding=1))
    macs, params = 10 * 10 * 3 * 3 * 4 * 8, 3 * 3 * 4 * 8 + 8
    assert found.flops == 2 * macs * 2
    assert found.bytes == ((400 + 800) * 2 + params) * 4
    assert found.intensity == found.flops / found.bytes
    assert (found.seconds, found.bound) == (found.bytes / 1e9, "memory")


def test_a_fast_memory_leaves_the_arithmetic():
    (found,) = floors(Workload(2), COMPUTE, Conv(8, 3, padding=1))
    assert (found.seconds, found.bound) == (115_200 / 1e12, "compute")


def test_a_dense_layer_reads_its_weights_once_a_batch():
    (_, one), (_, many) = (floors(Workload(batch, "bfloat16"), ROUND, Flatten(), Dense(10)) for batch in (1, 64))
    assert (one.flops, one.bytes) == (2 * 400 * 10, (400 + 10 + 4010) * 2)
    assert (many.flops, many.bytes) == (64 * 8000, (64 * 410 + 4010) * 2)


def test_pooling_moves_and_normalization_rides_along():
    found = floors(Workload(), ROUND, BatchNorm(), Activation("relu"), Pool("max", 2, 2), Flatten())
    assert [one and (one.flops, one.bytes) for one in found] == [None, None, (0, (400 + 100) * 4), None]


@given(networks(3), st.integers(1, 3), st.sampled_from([ROUND, COMPUTE]))
def test_a_folded_row_takes_as_long_as_its_layers(network, depth, limit):
    rows, load = size(network).rows, Workload(4)
    each, folded = ([found for row in some if (found := floor(row, load, limit))] for some in (rows, fold(rows, depth)))
    assert sum(one.flops for one in folded) == sum(one.flops for one in each)
    assert sum(one.bytes for one in folded) == sum(one.bytes for one in each)
    assert sum(one.seconds for one in folded) == pytest.approx(sum(one.seconds for one in each))


@pytest.mark.parametrize(("flops", "bound"), [(2e8, "memory"), (5e7, "compute")])
def test_a_folded_row_is_bound_by_what_takes_most_of_its_time(flops, bound):
    # Three poolings move 9.6 us long, the convolution computes for 4 us or 16.
    layers = (Group((*[Pool("max", 1, 1)] * 3, Conv(1, 10)), name="g"), Group((Activation("relu"),), name="h"))
    rows, limit = size(Network("n", (10, 10, 4), layers)).rows, Peak("n", flops, 1e9)
    assert [floor(row, Workload(), limit).bound for row in rows[:4]] == ["memory"] * 3 + ["compute"]
    found, nothing = (floor(row, Workload(), limit) for row in fold(rows, 1))
    assert (found.flops, found.bytes, found.bound) == (800, 9600 + 4 * (400 + 1 + 401), bound)
    assert found.seconds == pytest.approx(9.6e-6 + 800 / flops)
    assert nothing is None


def test_the_input_is_no_layer():
    assert floor(Row("input", "input", "", (4, 4, 1), (4, 4, 1), activations=16), Workload(), ROUND) is None


def test_layer_by_layer_is_the_sum_and_fused_moves_the_ends_alone():
    report = size(Network("n", (10, 10, 4), (Conv(8, 3, padding=1), Activation("relu"), Flatten(), Dense(10))))
    found = roofline(report, Workload(2), ROUND)
    conv, dense = ((400 + 800) * 2 + 296) * 4, ((800 + 10) * 2 + 8010) * 4
    assert found.seconds == pytest.approx((conv + dense) / 1e9)
    assert found.fused == pytest.approx(((400 + 10) * 2 + 296 + 8010) * 4 / 1e9)
    assert found.rate(found.seconds) == pytest.approx(2 / found.seconds)


def test_devices_share_a_batch_and_none_is_counted_twice():
    report = size(find("lenet5"))
    alone, split = roofline(report, Workload(43), ROUND), roofline(report, Workload(128, devices=3), ROUND)
    assert (split.seconds, split.fused) == (alone.seconds, alone.fused)
    assert split.rate(1.0) == 128
    # Seven of eight devices have nothing to do.
    one, idle = roofline(report, Workload(), ROUND), roofline(report, Workload(devices=8), ROUND)
    assert idle.rate(idle.seconds) == one.rate(one.seconds)


@given(networks(), st.integers(1, 300), st.sampled_from(sorted(BYTES)), st.sampled_from([ROUND, COMPUTE]))
def test_floors_are_lower_bounds_and_none_is_below_the_fused_one(network, batch, dtype, limit):
    report, load = size(network), Workload(batch, dtype)
    found = roofline(report, load, limit)
    each = [one for row in report.main if (one := floor(row, load, limit))]
    assert found.fused <= found.seconds
    assert found.seconds >= sum(one.seconds for one in each)
    assert sum(one.flops for one in each) == 2 * batch * report.totals.macs
    for one in each:
        assert one.seconds >= max(one.flops / limit.flops, one.bytes / limit.bytes)
        assert one.bound == ("memory" if one.bytes / limit.bytes > one.flops / limit.flops else "compute")


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_network_of_the_catalogue_is_faster_by_layers_than_fused(name):
    found = roofline(size(find(name)), Workload(32, "bfloat16"), peak("h200", "bfloat16"))
    assert 0 < found.fused <= found.seconds


def test_measured_rates_stay_below_the_floor():
    # Forward and backward at batch 256 on one H200, where three passes are counted.
    for name, measured in (("alexnet-torchvision", 49_378), ("vgg16", 4_956), ("resnet50", 7_945)):
        found = roofline(size(find(name)), Workload(256, "bfloat16"), peak("h200", "bfloat16"))
        assert measured < found.rate(3 * found.fused), name


def test_a_device_has_a_name_or_its_limits():
    assert peak("h200", "bfloat16").flops == 989.5e12
    assert peak("H200", "float32") == Peak(
        "h200: 67 TFLOPS in float32, 4800 GB/s", 67e12, 4800e9, "NVIDIA H200 data sheet, SXM"
    )
    assert peak("1.5,200", "float32") == Peak("1.5 TFLOPS, 200 GB/s", 1.5e12, 200e9)


@pytest.mark.parametrize("name", PROFILES)
def test_every_device_has_a_source_and_a_figure_for_each_type_it_names(name):
    profile = PROFILES[name]
    assert profile.source
    for dtype, tflops in profile.tflops.items():
        assert peak(name, dtype).flops == tflops * 1e12 > 1e12
        assert peak(name, dtype).bytes == profile.gb_per_s * 1e9 > 1e11


@pytest.mark.parametrize(
    ("text", "dtype", "message"),
    [
        (
            "h20",
            "float32",
            "--roofline is 'h20'; expected TFLOPS,GB_PER_S such as 67,4800, or a device; did you mean 'h",
        ),
        ("cray", "float32", "or a device; known: a100, gtx-580, h100, h200, rtx-4090, t4, tpu-v4, tpu-v5e, v100"),
        ("67", "float32", "expected TFLOPS,GB_PER_S"),
        ("", "float32", "expected TFLOPS,GB_PER_S"),
        ("67,4800,1", "float32", "expected TFLOPS,GB_PER_S"),
        ("-1,2", "float32", "expected TFLOPS,GB_PER_S"),
        ("9" * 400 + ",1", "float32", "expected TFLOPS,GB_PER_S"),
        ("0,4800", "float32", "--roofline is '0,4800'; expected a peak and a bandwidth above 0"),
        ("67,0.0", "float32", "expected a peak and a bandwidth above 0"),
        ("tpu-v4", "float32", "--roofline tpu-v4: no published peak for float32; use --dtype bfloat16"),
        ("v100", "bfloat16", "no published peak for bfloat16; use --dtype float16 or float32"),
    ],
)
def test_a_device_that_is_not_known_is_refused(text, dtype, message):
    with pytest.raises(UsageError) as error:
        peak(text, dtype)
    assert message in str(error.value)
