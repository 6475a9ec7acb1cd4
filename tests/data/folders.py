"""Small folders of images, made by the tests."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, shape: tuple[int, ...] = (6, 8, 3)) -> Image.Image:
    """A picture of noise; (height, width) for a grey one."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def write(root: Path, classes: dict[str, int], shape: tuple[int, ...] = (6, 8, 3), first: int = 0) -> Path:
    """Write so many PNG files 0.png, 1.png, ... into the folder of each class, no two alike but by chance."""
    seed = first
    for name, count in classes.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            picture(seed, shape).save(root / name / f"{number}.png")
            seed += 1
    return root


def parted(root: Path, **splits: dict[str, int]) -> Path:
    """Write the folders of splits: `parted(root, train={"a": 3, "b": 2}, test=...)`."""
    for place, (split, classes) in enumerate(splits.items()):
        write(root / split, classes, first=1000 * place)
    return root
