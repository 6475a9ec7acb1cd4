"""The digest of an array, and of every array in a tree: what says that a file still holds what was written."""

import hashlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from cnncli.errors import Bug, DataError


def digest(array: Any) -> str:
    """SHA-256, in hexadecimal, of an array's dtype, shape and bytes."""
    host = np.asarray(array)
    sha = hashlib.sha256(f"{host.dtype.name}{list(host.shape)}".encode())
    # bfloat16 has no buffer of its own that hashlib would take: hash it as bytes.
    sha.update(np.ascontiguousarray(host).reshape(-1).view(np.uint8).data)
    return sha.hexdigest()


def leaves(tree: Any) -> dict[str, Any]:
    """The leaves of a pytree by their path, `0/mu/conv1/kernel`, in the tree's order.

    Raises Bug when two leaves have the same path, as in `{"a/b": ..., "a": {"b": ...}}`.
    """
    found: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        # A tree that is one array has an empty path.
        name = jax.tree_util.keystr(path, simple=True, separator="/") or "array"
        if name in found:
            raise Bug(f"two arrays have the path '{name}'")
        found[name] = leaf
    return found


def digests(tree: Any) -> dict[str, str]:
    """The digest of every array of a pytree, by its path."""
    return {name: digest(leaf) for name, leaf in leaves(tree).items()}


def verify(tree: Any, expected: Mapping[str, str], where: str) -> None:
    """Raise DataError, naming the arrays, unless the tree has exactly the expected digests."""
    found = digests(tree)
    wrong = [
        f"{fault} {listed(names)}"
        for fault, names in (
            ("damaged", [name for name in expected if name in found and found[name] != expected[name]]),
            ("missing", [name for name in expected if name not in found]),
            ("extra", [name for name in found if name not in expected]),
        )
        if names
    ]
    if wrong:
        raise DataError(f"{where}: {'; '.join(wrong)}")


def listed(names: list[str], between: str = ", ") -> str:
    """The names, or the first few of them: a message is one line."""
    return between.join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
