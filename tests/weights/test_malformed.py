"""Files that are damaged or lie about what they hold: each costs one line, and no memory or time."""

import io
import json
import os
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from cnncli.errors import DataError
from cnncli.weights.files import read
from tests.weights import made
from tests.weights.made import Pickle
from tests.weights.refusing import ARRAY, MB, refused, tensor, torch_file, written

pytestmark = pytest.mark.usefixtures("sentinel")
NUMBERS = ARRAY.tobytes()
TENSORS = {"conv.weight": ARRAY.reshape(2, 3, 2, 2), "conv.bias": np.ones(2, np.float32)}


# --- Anything that is no file of weights


def test_what_cannot_be_opened(tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    known = {
        "none.pth": "No such file or directory",
        "file/below.pth": "Not a directory",
        "loop": "Too many levels of symbolic links",
        "x" * 300: "File name too long",
        ".": "is a folder, not a file",
        "pipe": "is a device, not a file",
    }
    for name, words in known.items():
        with pytest.raises(DataError, match=words) as caught:
            read(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path):
    made.pth(tmp_path / "a.pth", TENSORS).chmod(0)
    refused(tmp_path / "a.pth", "Permission denied")


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"text " * 50, b"PK\x03\x04", b"\x80", b"\x89HDF\r\n\x1a\n"])
def test_no_weights(content):
    refused(written(content))


FORMATS = {
    "safetensors": made.safetensors,
    "pth": made.pth,
    "legacy": lambda path, tensors: made.torch_legacy(path, made.state_dict(tensors)),
    "npz": made.npz,
    "h5": made.hdf5,
}


@pytest.mark.parametrize("ending", FORMATS)
def test_truncated_anywhere(tmp_path, ending):
    whole = FORMATS[ending](tmp_path / f"a.{'npz' if ending == 'npz' else ending}", TENSORS).read_bytes()
    for share in (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        refused(written(whole[: int(len(whole) * share)]))
    refused(written(whole[:-1]))


@pytest.mark.parametrize("ending", FORMATS)
def test_wrong_magic(tmp_path, ending):
    whole = FORMATS[ending](tmp_path / f"a.{'npz' if ending == 'npz' else ending}", TENSORS).read_bytes()
    refused(written(b"\x00" * 9 + whole[9:]), "no weights that can be read; expected safetensors")


# --- safetensors


def described(**changes):
    one = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    return json.dumps({"a": {**one, **changes}})


SAFETENSORS = {
    "length far beyond": made.header(described(), bytes(8), 2**40),
    "length that is negative": made.header(described(), bytes(8), 2**64 - 1),
    "length a little beyond": made.header(described(), bytes(8), 1000),
    "length short": made.header(described(), bytes(8), 10),
    "no JSON": made.header("{not json}", bytes(8)),
    "deep JSON": made.header('{"a":' * 200_000),
    "deep lists": made.header('{"a":' + "[" * 200_000, bytes(8)),
    "a number for a tensor": made.header('{"a": 1}', bytes(8)),
    "nothing in it": made.header("{}"),
    "offsets beyond": made.header(described(shape=[4], data_offsets=[0, 16]), bytes(8)),
    "offsets far beyond": made.header(described(shape=[2**40], data_offsets=[0, 2**42]), bytes(8)),
    "offsets negative": made.header(described(data_offsets=[-8, 0]), bytes(8)),
    "offsets the wrong way": made.header(described(data_offsets=[8, 0]), bytes(8)),
    "a hole": made.header(described(data_offsets=[4, 12]), bytes(12)),
    "bytes that nobody has": made.header(described(), bytes(80)),
    "shape of more": made.header(described(shape=[3]), bytes(8)),
    "shape that overflows": made.header(described(shape=[2**40, 2**40]), bytes(8)),
    "shape negative": made.header(described(shape=[-2]), bytes(8)),
    "shape of halves": made.header(described(shape=[0.5]), bytes(8)),
    "unknown type": made.header(described(dtype="PICKLE"), bytes(8)),
    "overlapping": made.header(
        json.dumps({name: json.loads(described())["a"] for name in ("a", "b")}),
        bytes(8),
    ),
    "a name that a terminal obeys": made.header(described().replace('"a"', '"\\u001b[2Ja\\n"'), bytes(8)),
    "a name without end": made.header(described().replace('"a"', f'"{"a" * 100_000}"'), bytes(8)),
}


@pytest.mark.parametrize("case", SAFETENSORS)
def test_safetensors_that_lie(case):
    refused(written(SAFETENSORS[case]))


# --- Zip archives that lie


def changed(path, at, *values):
    """The same file with other numbers in the central directory's entry of a storage: `at` counts from its start."""
    content = bytearray(path.read_bytes())
    start = content.rindex(b"archive/data/0") - 46
    assert content[start : start + 4] == b"PK\x01\x02"
    for offset, form, value in zip(at, values[::2], values[1::2], strict=True):
        struct.pack_into(form, content, start + offset, value)
    return written(bytes(content))


def test_entries_that_claim_other_sizes():
    refused(changed(torch_file(tensor()), (24,), "<I", 2**31), "data/0 compressed")
    refused(changed(torch_file(tensor()), (20, 24), "<I", 2**31, "<I", 2**31))
    refused(changed(torch_file(tensor()), (20, 24), "<I", 8, "<I", 8), "damaged")
    refused(
        changed(torch_file(tensor()), (16, 20, 24), "<I", 0, "<I", 0, "<I", 0),
        "a storage of 0 bytes that claims 24 values",
    )
    refused(changed(torch_file(tensor()), (8,), "<H", 1), "encrypted")
    refused(changed(torch_file(tensor()), (10,), "<H", 99), "data/0 compressed")
    refused(changed(torch_file(tensor()), (16,), "<I", 1), "Bad CRC-32")
    refused(changed(torch_file(tensor()), (42,), "<I", 2**30))


def test_entries_that_are_bombs():
    with zipfile.ZipFile("a.pth", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("archive/data.pkl", made.pickled(tensor(shape=(25 * MB,), strides=(1,), count=25 * MB)))
        archive.writestr("archive/data/0", bytes(100 * MB))
    assert Path("a.pth").stat().st_size < MB
    refused(Path("a.pth").absolute(), "data.pkl compressed, which torch.save never does")
    with (
        zipfile.ZipFile("b.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("a.npy", "w") as to,
    ):
        np.lib.format.write_array(to, np.zeros(25 * MB, np.float32))
    refused(Path("b.npz").absolute(), "arrays that claim 104,857,728 bytes; expected at most 67,108,864")


def test_entries_that_share_their_bytes():
    many = {f"w{at}": tensor(key=str(at))["w"] for at in range(100)}
    path = made.torch_zip(
        Path("a.pth"), Pickle(many, {str(at): ARRAY if at else np.ones(9999, "f4") for at in range(100)})
    )
    content = bytearray(path.read_bytes())
    first = content.index(b"PK\x01\x02")
    where = [at for at in range(first, len(content)) if content[at : at + 4] == b"PK\x01\x02"]
    large = next(at for at in where if content[at + 46 :].startswith(b"archive/data/0P"))
    for at in where:
        if content[at + 46 :].startswith(b"archive/data/"):
            content[at + 16 : at + 28] = content[large + 16 : large + 28]
            content[at + 42 : at + 46] = content[large + 42 : large + 46]
    refused(written(bytes(content)))


ENTRIES = {
    "no pickle": {"archive/version": b"3"},
    "nothing": {},
    "two pickles": {"a/data.pkl": made.pickled({}), "b/data.pkl": made.pickled({})},
    "an empty pickle": {"a/data.pkl": b""},
    "a pickle without end": {"a/data.pkl": b"\x80\x02}"},
    "a pickle of a later protocol": {"a/data.pkl": b"\x80\x09}."},
    "text for a pickle": {"a/data.pkl": b"import os; os.system('touch ran')"},
    "an unknown order of bytes": {"a/data.pkl": made.pickled(tensor()), "a/byteorder": b"middle"},
    "an order of bytes without end": {"a/data.pkl": made.pickled(tensor()), "a/byteorder": b"little" * 100},
    "a short storage": {"a/data.pkl": made.pickled(tensor()), "a/data/0": NUMBERS[:-1]},
    "a long storage": {"a/data.pkl": made.pickled(tensor()), "a/data/0": NUMBERS * 2},
}


@pytest.mark.parametrize("case", ENTRIES)
def test_archives_that_are_none_of_torch(case):
    with zipfile.ZipFile("a.pth", "w") as archive:
        for name, content in ENTRIES[case].items():
            archive.writestr(name, content)
    refused(Path("a.pth").absolute())


# --- The legacy format


def legacy(magic=made.MAGIC, protocol=made.PROTOCOL, content=None, keys=("0",), count=24, data=NUMBERS):
    parts = (magic, protocol, {}, tensor() if content is None else content, list(keys) if type(keys) is tuple else keys)
    return b"".join(map(made.pickled, parts)) + struct.pack("<q", count) + data


LEGACY = {
    "another magic number": (legacy(magic=1), "none of torch.save"),
    "another protocol": (legacy(protocol=1002), "none of torch.save"),
    "a storage without end": (legacy(count=2**60), "claims 1,152,921,504,606,846,976 values"),
    "a storage a little longer": (legacy(count=25), "claims 25 values in a file of"),
    "a storage that is shorter": (legacy(count=23), "a storage of 23 values where the tensors claim 24"),
    "a negative storage": (legacy(count=-1), "a storage of -1 values"),
    "the largest negative storage": (legacy(count=-(2**63)), "a storage of -9"),
    "a storage that nobody has": (legacy(keys=("0", "9")), "a storage that no tensor has"),
    "a storage twice": (legacy(keys=("0", "0"), data=(NUMBERS + struct.pack("<q", 24)) * 2), "a storage of 24"),
    "a storage by a tuple": (legacy(keys=((),)), "a storage that no tensor has"),
    "storages by a number": (legacy(keys=7), "values are missing"),
    "no storages": (legacy(keys=()), "values are missing"),
    "too few bytes": (legacy(data=b"1234"), "claims 24 values"),
}


@pytest.mark.parametrize("case", LEGACY)
def test_legacy_files_that_lie(case):
    refused(written(LEGACY[case][0]), LEGACY[case][1])


# --- npz


def npy(text, data=b"", version=b"\x01\x00"):
    """An array with any header."""
    head = text.encode()
    length = struct.pack("<H" if version[0] == 1 else "<I", len(head))
    return b"\x93NUMPY" + version + length + head + data


def about(shape="(2,)", kind="'<f4'", order=False):
    return f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def pickled_array():
    stream = io.BytesIO()
    np.save(stream, np.array([{}, None], dtype=object), allow_pickle=True)
    return stream.getvalue()


NPZ = {
    "Python objects": (pickled_array(), "Python objects in a.npy; nothing of them was run"),
    "objects that run": (
        npy(about(kind="'|O'"), made.pickled(made.Call(made.Global("sentinel", "run"), ()))),
        "Python objects in a.npy",
    ),
    "fields of objects": (npy(about(kind="[('a', '|O')]"), bytes(16)), "Python objects in a.npy"),
    "claims more": (npy(about("(3,)"), bytes(8)), "header claims 12 bytes where there are 8"),
    "claims less": (npy(about("(1,)"), bytes(8)), "header claims 4 bytes where there are 8"),
    "claims all memory": (npy(about("(1099511627776,)"), bytes(8)), "header claims 4,398,046,511,104 bytes"),
    "claims beyond all numbers": (npy(about("(2**62, 2**62)"), bytes(8)), "damaged"),
    "claims too large a number": (npy(about(f"({10**30}, 0)"), b""), ""),
    "claims a negative shape": (npy(about("(-2, -1)"), bytes(8)), ""),
    "claims a shape of text": (npy(about("'ab'"), bytes(8)), "damaged"),
    "code for a header": (npy("__import__('sentinel').run()"), "damaged"),
    "code in the shape": (npy(about("(__import__('sentinel').run(),)"), bytes(8)), "damaged"),
    "code for a type": (npy(about(kind="__import__('sentinel')"), bytes(8)), "damaged"),
    "a deep header": (npy("(" * 9_000), "damaged"),
    "a long header": (npy(" " * 60_000), "damaged"),
    "a header without end": (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "damaged"),
    "version 3": (npy(about(), bytes(8), b"\x03\x00"), "version 3.0 of NumPy's format"),
    "version 99": (npy(about(), bytes(8), b"\x63\x00"), "version 99.0 of NumPy's format"),
    "another magic": (b"NUMPY" + bytes(100), "damaged"),
    "nothing": (b"", "damaged"),
    "texts alone": (npy(about(kind="'<U1'"), bytes(8)), "it holds no tensors"),
    "fields": (npy(about("()", kind="[('a', '<f4'), ('b', '<f4')]"), bytes(8)), "it holds no tensors"),
}


@pytest.mark.parametrize("case", NPZ)
def test_npz_that_lie(case):
    with zipfile.ZipFile("a.npz", "w") as archive:
        archive.writestr("a.npy", NPZ[case][0])
    refused(Path("a.npz").absolute(), NPZ[case][1])


# --- HDF5


def linked(file):
    file["a"] = h5py.SoftLink("/etc")


def linked_outside(file):
    file["a"] = h5py.ExternalLink("/etc/passwd", "/")


def in_another_file(file):
    Path("outside").write_bytes(bytes(100))
    file.create_dataset("a", (4,), "f4", external=[("outside", 0, h5py.h5f.UNLIMITED)])


def virtual(file):
    made.hdf5(Path("other.h5"), {"b": ARRAY})
    layout = h5py.VirtualLayout((24,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "b", (24,))
    file.create_virtual_dataset("a", layout)


def compressed(file):
    file.create_dataset("a", data=np.zeros(25 * MB, "f4"), chunks=(MB,), compression="gzip")


def shuffled(file):
    file.create_dataset("a", data=ARRAY, chunks=(24,), shuffle=True)


def never_written(file):
    file.create_dataset("a", (2**40,), "f4", chunks=(1024,))


def never_written_whole(file):
    file.create_dataset("a", (2**40,), "f4")


def partly_written(file):
    file.create_dataset("a", (2**40,), "f4", chunks=(1024,))[:1024] = 1


def deep(file):
    file["/".join("a" * 40)] = ARRAY


def within_itself(file):
    file["a/b"] = file.create_group("a/c")
    file["a/c/a"] = file["a"]


def many_names(file):
    file["a"] = np.ones(10_000, np.float32)
    for at in range(1000):
        file[f"b{at}"] = file["a"]


def only_text(file):
    file["a"] = "text"
    file["b"] = h5py.Empty("f4")


def escaped(file):
    file["\x1b[2J"] = ARRAY


HDF5 = {
    linked: "a, a link to elsewhere, which was not followed",
    linked_outside: "a, a link to elsewhere, which was not followed",
    in_another_file: "a, whose values are in another file, which was not opened",
    virtual: "a, whose values are in another file, which was not opened",
    compressed: "a compressed, which Keras never does",
    shuffled: "a compressed, which Keras never does",
    never_written: "a, which claims 4,398,046,511,104 bytes and has 0",
    never_written_whole: "a, which claims 4,398,046,511,104 bytes and has 0",
    partly_written: "a, which claims 4,398,046,511,104 bytes and has 4,096",
    deep: "groups in groups",
    within_itself: "no tensors",
    many_names: "datasets that together claim more bytes than the file has",
    only_text: "no tensors",
    escaped: "a tensor whose name is no name: ?[2J",
}


@pytest.mark.parametrize("write", HDF5, ids=lambda write: write.__name__)
def test_hdf5_that_lie(write):
    with h5py.File("a.h5", "w") as file:
        write(file)
    refused(Path("a.h5").absolute(), HDF5[write])


def test_hdf5_whose_list_of_free_places_leads_back_to_itself():
    """One byte, for which HDF5 takes all memory there is."""
    path = made.hdf5(Path("a.h5"), made.keras({"conv2d": {"kernel": ARRAY}}, "model"))
    content = bytearray(path.read_bytes())
    at = content.index(b"model_weights\x00\x00\x00\x01") + 16
    content[at] = 24
    refused(written(bytes(content)), "damaged: Link iteration failed (memory allocation failed for chunk)", seconds=60)


def test_hdf5_with_a_false_size():
    with h5py.File("a.h5", "w") as file:
        file["a"] = ARRAY
        stored = file["a"].id.get_offset()
    content = bytearray(Path("a.h5").read_bytes())
    for size, false in ((24, 2**40), (96, 2**42)):
        at = content.index(struct.pack("<Q", size))
        content[at : at + 8] = struct.pack("<Q", false)
    assert stored
    refused(written(bytes(content)))
