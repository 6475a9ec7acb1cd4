"""How fast a network could possibly run: each layer bounded by arithmetic or by memory (Williams et al. 2009)."""

import re
from dataclasses import dataclass
from math import prod

from cnncli.errors import UsageError, nearest
from cnncli.sizing.report import Report, Row
from cnncli.sizing.workload import BYTES, Workload

FLOORS = (
    "Floor: the longer of FLOPs at peak rate and bytes at peak bandwidth; a layer reads its input and parameters and "
    "writes its output once, activations and normalization ride along for nothing. Convolutions are computed directly, "
    "as multiply-adds; float32 is without TF32. Fused into one, all layers would read only the images and parameters."
)


@dataclass(frozen=True)
class Profile:
    """A device as its maker specifies it: dense TFLOPS for each type, memory bandwidth in GB/s, and the source."""

    tflops: dict[str, float]
    gb_per_s: float
    source: str


# Dense figures: without sparsity, at boost clock. float32 is that of the ordinary units, not TF32.
PROFILES = {
    "h200": Profile({"bfloat16": 989.5, "float16": 989.5, "float32": 67}, 4800, "NVIDIA H200 data sheet, SXM"),
    "h100": Profile({"bfloat16": 989.5, "float16": 989.5, "float32": 67}, 3350, "NVIDIA H100 data sheet, SXM"),
    "a100": Profile({"bfloat16": 312, "float16": 312, "float32": 19.5}, 2039, "NVIDIA A100 data sheet, SXM 80 GB"),
    "v100": Profile({"float16": 125, "float32": 15.7}, 900, "NVIDIA V100 data sheet, SXM2"),
    "t4": Profile({"float16": 65, "float32": 8.1}, 320, "NVIDIA T4 product brief"),
    "rtx-4090": Profile({"bfloat16": 165.2, "float16": 165.2, "float32": 82.6}, 1008, "NVIDIA Ada architecture paper"),
    "tpu-v4": Profile({"bfloat16": 275}, 1200, "Google Cloud TPU v4 documentation, one chip"),
    "tpu-v5e": Profile({"bfloat16": 197}, 819, "Google Cloud TPU v5e documentation, one chip"),
    "gtx-580": Profile({"float32": 1.581}, 192.4, "NVIDIA GeForce GTX 580 specifications; AlexNet was trained on two"),
}


@dataclass(frozen=True)
class Peak:
    """A device's limits: floating-point operations and bytes a second."""

    name: str
    flops: float
    bytes: float
    source: str = ""


def peak(text: str, dtype: str) -> Peak:
    """A named profile, or `TFLOPS,GB_PER_S`. Raises UsageError for what is neither, and for a type without a figure."""
    if found := re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?),(\d{1,9}(?:\.\d{1,9})?)", text):
        tflops, gigabytes = float(found[1]), float(found[2])
        if not (tflops > 0 and gigabytes > 0):
            raise UsageError(f"--roofline is '{text}'; expected a peak and a bandwidth above 0")
        return Peak(f"{tflops:g} TFLOPS, {gigabytes:g} GB/s", tflops * 1e12, gigabytes * 1e9)
    if (profile := PROFILES.get(text.lower())) is None:
        raise UsageError(
            f"--roofline is '{text}'; expected TFLOPS,GB_PER_S such as 67,4800, or a device{nearest(text, PROFILES)}"
        )
    if dtype not in profile.tflops:
        known = " or ".join(profile.tflops)
        raise UsageError(f"--roofline {text}: no published peak for {dtype}; use --dtype {known}")
    name = f"{text.lower()}: {profile.tflops[dtype]:g} TFLOPS in {dtype}, {profile.gb_per_s:g} GB/s"
    return Peak(name, profile.tflops[dtype] * 1e12, profile.gb_per_s * 1e9, profile.source)


@dataclass(frozen=True)
class Floor:
    """The least time of one layer's forward pass in seconds, for one device's images; bound by compute or memory."""

    flops: int
    bytes: int
    seconds: float
    bound: str

    @property
    def intensity(self) -> float:
        """Operations for each byte that has to move."""
        return self.flops / self.bytes


def floor(row: Row, load: Workload, limit: Peak) -> Floor | None:
    """The floor of a row, of a folded one the sum of its layers; None for what rides along with another layer."""
    if row.inside:
        floors = [found for inner in row.inside if (found := floor(inner, load, limit))]
        return _together(floors) if floors else None
    if not row.activations or row.word == "input":
        return None
    flops = 2 * row.macs * load.images
    moved = ((_read(row) + prod(row.output)) * load.images + row.params) * load.bytes
    computing, moving = flops / limit.flops, moved / limit.bytes
    return Floor(flops, moved, max(computing, moving), "compute" if computing >= moving else "memory")


def _read(row: Row) -> int:
    """The values of its input that a layer looks at: strides wider than the window skip some."""
    if row.windows is None:
        return prod(row.input)
    return min(prod(row.input), prod(row.output[:2]) * prod(row.windows.window) * row.input[2])


def _together(floors: list[Floor]) -> Floor:
    """Layers one after the other, bound by what takes most of their time."""
    computing = sum(one.seconds for one in floors if one.bound == "compute")
    seconds = sum(one.seconds for one in floors)
    bound = "compute" if computing >= seconds - computing else "memory"
    return Floor(sum(one.flops for one in floors), sum(one.bytes for one in floors), seconds, bound)


@dataclass(frozen=True)
class Roofline:
    """The least time of a batch in seconds, which is that of the fullest device, and the images a second that follow.

    `seconds` is layer by layer, `fused` as if no activation ever reached memory: what no implementation can pass.
    """

    peak: Peak
    batch: int
    seconds: float
    fused: float

    def rate(self, seconds: float) -> float:
        """Forward passes of one image, a second, on all devices."""
        return self.batch / seconds


def roofline(report: Report, load: Workload, limit: Peak) -> Roofline:
    """Add up the floors of the main path."""
    floors = [found for row in report.main if (found := floor(row, load, limit))]
    totals, ends = report.totals, prod(report.network.input) + prod(report.output)
    moved = (ends * load.images + totals.params) * BYTES[load.dtype]
    fused = max(2 * totals.macs * load.images / limit.flops, moved / limit.bytes)
    return Roofline(limit, load.batch, max(sum(one.seconds for one in floors), fused), fused)
