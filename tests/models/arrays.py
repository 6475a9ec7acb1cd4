"""How the tests look at nested dicts of arrays."""

import jax


def leaves(arrays):
    """Arrays by path: {"c1/kernel": ...}."""
    found, _ = jax.tree_util.tree_flatten_with_path(arrays)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in found}


def counts(arrays):
    """How many values each layer has, by the layer's path."""
    total = {}
    for path, leaf in leaves(arrays).items():
        layer = path.rpartition("/")[0]
        total[layer] = total.get(layer, 0) + leaf.size
    return total
