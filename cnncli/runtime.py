"""This process: which device it computes on, with how many threads, and where compiled programs are kept.

`configure` runs before JAX is imported, since XLA reads its environment once.
"""

import logging
import os
import platform
import sys
import warnings
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import shorten
from typing import Any

from cnncli.errors import UsageError

DEVICES = ("cpu", "gpu", "tpu")

# XLA's CPU fusions for dots and reductions only: its default ones make a convolution's gradients 2 to 5 times slower.
_CPU_OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE,LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"}


def configure(device: str | None = None, threads: int | None = None) -> None:
    """Choose the device (`cpu`, `gpu`, `tpu`; None: the best there is) and the number of CPU threads of XLA.

    Sums depend on the number of threads in their last bits, so it is fixed, recorded, and kept on resuming.
    """
    if device is not None and device not in DEVICES:
        raise UsageError(f"--device is '{device}'; expected one of {', '.join(DEVICES)}")
    if device is not None:
        os.environ["JAX_PLATFORMS"] = "cuda" if device == "gpu" else device
    os.environ.setdefault("NPROC", str(threads or available_threads()))
    if threads:
        os.environ["NPROC"] = str(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ and (folder := _writable_cache()):
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder / "xla")
    # What libraries say when their caches are damaged, or cannot be written, is of no use to a user.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def _writable_cache() -> Path | None:
    """The cache folder, or None where there can be none: then everything compiles again, and that is all."""
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: a user without a home
        return None
    return folder if os.access(folder, os.W_OK) else None


def available_threads() -> int:
    """The CPUs this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_folder() -> Path:
    """The user's cache folder for cnncli."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "cnncli"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cnncli"


def devices() -> list[Any]:
    """JAX's devices; UsageError when the platform asked for is not there."""
    import jax

    try:
        return list(jax.devices())
    except (RuntimeError, AssertionError) as error:  # AssertionError: a plugin that is not installed
        wanted = os.environ.get("JAX_PLATFORMS", "")
        extra = {"cuda": "cuda", "tpu": "tpu"}.get(wanted, "cuda")
        reason = shorten(str(error).partition(" (set ")[0] or "JAX has no plugin for it", 160, placeholder=" ...")
        raise UsageError(
            f"no device for platform '{wanted}' ({reason}); install cnncli[{extra}] on a machine that has one, or use "
            "--device cpu"
        ) from None


@cache
def compiler_options() -> dict[str, str]:
    """XLA options for this process's platform that this jaxlib knows."""
    import jax

    if devices()[0].platform != "cpu":
        return {}
    try:
        jax.jit(lambda x: x, compiler_options=_CPU_OPTIONS).lower(0.0).compile()
    except Exception:  # whatever an unknown option raises in that version: the default is only slower
        return {}
    return dict(_CPU_OPTIONS)


def versions() -> dict[str, str]:
    """The versions that decide what is computed."""
    known = {}
    for name in ("cnncli", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy"):
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            known[name] = "not installed"
    return {**known, "python": platform.python_version()}


def describe() -> dict[str, Any]:
    """The device of this process as run.json has it: what a resumed run must share to end in the same bits."""
    found = devices()
    return {
        "platform": found[0].platform,
        "kind": found[0].device_kind if found[0].platform != "cpu" else processor(),
        "count": len(found),
        "threads": int(os.environ.get("NPROC", available_threads())),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "compiler_options": compiler_options(),
    }


def processor() -> str:
    """The CPU's model name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
