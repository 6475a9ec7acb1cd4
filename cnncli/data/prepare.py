"""The process that prepares a TFDS dataset: the only place where TensorFlow is imported, by TFDS.

`python -m cnncli.data.prepare NAME[/CONFIG] --data-dir DIR [--manual-dir DIR]`
"""

import argparse
import os
import sys


def main(arguments: list[str] | None = None) -> None:
    """Prepare a dataset as ArrayRecord files; original files found in the manual folder are not downloaded.

    Exits with 1 and one line on standard error where that fails.
    """
    parser = argparse.ArgumentParser(prog="cnncli.data.prepare")
    parser.add_argument("name")
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--manual-dir")
    options = parser.parse_args(arguments)

    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # TensorFlow would take the GPU's whole memory from training
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    try:
        builder = tfds.builder(options.name, data_dir=options.data_dir, try_gcs=False, file_format="array_record")
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=options.manual_dir))
    except Exception as error:
        lines = str(error).strip().splitlines() or ["no words"]
        sys.exit(f"{type(error).__name__}: {lines[0]}")


if __name__ == "__main__":
    main()
