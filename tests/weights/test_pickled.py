"""Pickles that try to run code, to reach memory that is not theirs, or to grow without end."""

import copyreg
import pickle
import struct
from pathlib import Path

import pytest

from cnncli.weights import pickled
from tests.weights import made
from tests.weights.made import Call, Global, Persistent, Pickle, Raw
from tests.weights.refusing import ARRAY, MB, refused, tensor, torch_file, written

pytestmark = pytest.mark.usefixtures("sentinel")
DICTIONARY = Call(Global("collections", "OrderedDict"), ())


# --- Pickles that run code

CALLS = {
    "os.system": Call(Global("os", "system"), ("touch ran",)),
    "posix.system": Call(Global("posix", "system"), ("touch ran",)),
    "builtins.eval": Call(Global("builtins", "eval"), ("open('ran', 'w')",)),
    "builtins.exec": Call(Global("builtins", "exec"), ("open('ran', 'w')",)),
    "__builtin__.eval": Call(Global("__builtin__", "eval"), ("open('ran', 'w')",)),
    "builtins.getattr": Call(Global("builtins", "getattr"), (Global("collections", "OrderedDict"), "mro")),
    "subprocess.Popen": Call(Global("subprocess", "Popen"), (["touch", "ran"],)),
    "sentinel.run": Call(Global("sentinel", "run"), ()),
    "copyreg._reconstructor": Call(Global("copyreg", "_reconstructor"), (Global("sentinel", "run"), 1, None)),
    "copyreg.__newobj__": Call(Global("copyreg", "__newobj__"), (Global("sentinel", "run"),)),
    "torch.storage._load_from_bytes": Call(Global("torch.storage", "_load_from_bytes"), (Raw(b"U\x01x"),)),
    "torch.load": Call(Global("torch", "load"), ("ran",)),
    "torch.hub.load": Call(Global("torch.hub", "load"), ("ran", "ran")),
    "torch._utils.os.system": Call(Global("torch._utils", "os.system"), ("touch ran",)),
    "collections.OrderedDict.fromkeys": Call(Global("collections", "OrderedDict.fromkeys"), ([1],)),
    "numpy.core.multiarray._reconstruct": Call(Global("numpy.core.multiarray", "_reconstruct"), ()),
    "code.interact": Call(Global("code", "interact"), ()),
    "antigravity.fly": Global("antigravity", "fly"),
}


@pytest.mark.parametrize("name", CALLS)
def test_names_that_are_no_tensors(name):
    words = (f"a pickle that asks for {name}, which is no tensor; nothing of it was run",)
    refused(torch_file({"w": CALLS[name]}), *words)
    refused(torch_file(CALLS[name]), *words)
    refused(made.torch_legacy(Path("b.pth").absolute(), Pickle({"w": CALLS[name]})), *words)
    module, _, inner = name.partition(".")
    if "." not in inner:
        stacked = made.code(module) + made.code(inner) + b"\x93"
        refused(torch_file({"w": Raw(stacked)}), *words)


@pytest.mark.parametrize("at", range(5))
def test_code_in_any_pickle_of_the_legacy_format(at):
    parts = list(map(made.pickled, (made.MAGIC, made.PROTOCOL, {}, tensor(), ["0"])))
    parts[at] = made.pickled(CALLS["sentinel.run"])
    refused(written(b"".join(parts) + struct.pack("<q", 24) + ARRAY.tobytes()), "asks for sentinel.run")


RUN = made.code(Global("sentinel", "run"))
INSTRUCTIONS = {
    "INST": b"(isentinel\nrun\n",
    "OBJ": b"(" + RUN + b"o",
    "NEWOBJ": RUN + b")\x81",
    "NEWOBJ_EX": RUN + b")}\x92",
    "EXT1": b"\x82\x07)R",
    "EXT2": b"\x83\x07\x00)R",
    "EXT4": b"\x84\x07\x00\x00\x00)R",
}


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_other_instructions_that_call(name, tmp_path):
    copyreg.add_extension("sentinel", "run", 7)
    try:
        refused(torch_file({"w": Raw(INSTRUCTIONS[name])}), "nothing of it was run")
        if not name.startswith("NEWOBJ"):
            made.unpickles(made.pickled({"w": Raw(INSTRUCTIONS[name])}))
            assert (tmp_path / "ran").exists()
    finally:
        copyreg.remove_extension("sentinel", "run", 7)
        copyreg.clear_extension_cache()


def test_these_pickles_do_run_where_nobody_looks(tmp_path):
    for name in ("os.system", "builtins.eval", "sentinel.run"):
        made.unpickles(made.pickled(CALLS[name]))
        assert (tmp_path / "ran").exists()
        (tmp_path / "ran").unlink()


REBUILD = Global("torch._utils", "_rebuild_tensor_v2")
FLOATS = Global("torch", "FloatStorage")
MISUSED = {
    "a function's code": Raw(made.code(REBUILD) + made.code((None, {"__code__": 1, "__defaults__": ()})) + b"b"),
    "a storage's type": Raw(made.code(FLOATS) + made.code((None, {"dtype": "object"})) + b"b"),
    "a storage's dictionary": Raw(made.code(FLOATS) + made.code({"dtype": "object"}) + b"b"),
    "a dictionary's class": Raw(made.code(Global("collections", "OrderedDict")) + made.code({"get": 1}) + b"b"),
    "a call of text": Call("text", ()),
    "a call of a storage": Call(FLOATS, ()),
    "a call of a dictionary": Call({}, ()),
    "arguments that are a list": Call(Global("collections", "OrderedDict"), [1, 2]),
    "arguments without end": Call(REBUILD, tuple(range(1000))),
    "a dictionary of numbers": Call(Global("collections", "OrderedDict"), ([1, 2],)),
    "a dictionary of text": Call(Global("collections", "OrderedDict"), ("text",)),
    "a tensor of nothing": Call(REBUILD, ()),
    "a tensor of texts": Call(REBUILD, ("a", "b", "c", "d")),
    "a storage by a number": Persistent((1, 2, 3)),
    "a storage of a function": Persistent(("storage", REBUILD, "0", "cpu", 24)),
    "a storage without a name": Persistent(("storage", FLOATS, 0, "cpu", 24)),
    "a storage of a negative size": Persistent(("storage", FLOATS, "0", "cpu", -24)),
    "a storage that is not there": tensor(key="1")["w"],
    "a storage by another path": tensor(key="../../../../etc/passwd")["w"],
    "a storage of another size": tensor(count=25)["w"],
    "a view of a storage": Persistent(("storage", FLOATS, "0", "cpu", 24, ("1", 0, 3))),
    "an item of a number": Raw(b"K\x01K\x02K\x03s"),
    "an item of a storage": Raw(made.code(FLOATS) + b"K\x02K\x03s"),
    "half an item": Raw(b"}(K\x01u"),
    "nothing on the stack": Raw(b"0" * 50),
    "a memo that is not there": Raw(b"h\x09"),
    "a mark that is not there": Raw(b"tttt"),
    "a key that cannot be one": Raw(b"}]K\x01s"),
    "a key of a tuple": Raw(b"})K\x01s"),
    "text that is none": Raw(b"X\x02\x00\x00\x00\xff\xfe"),
    "text without end": Raw(b"X\xff\xff\xff\xffabc"),
    "a name without end": Raw(b"c" + b"a" * 100_000),
    "a name that a terminal obeys": Global("\x1b[2J", "\x07"),
}


@pytest.mark.parametrize("case", MISUSED)
def test_pickles_that_misuse_what_is_known(case):
    refused(torch_file({"w": MISUSED[case]}))


@pytest.mark.parametrize("content", [None, 1, "text", [], (), {}, {"a": 1}, tensor()["w"], [tensor()["w"]]])
def test_no_dictionary_of_tensors(content):
    refused(torch_file(content), "no dictionary of tensors" if type(content) is not dict else "no tensors")


def test_a_dictionary_within_itself():
    refused(torch_file(Raw(b"}q\x00" + made.code("state_dict") + b"h\x00s")), "no tensors")


# --- Tensors that leave their storages

VIEWS = {
    "offset negative": tensor(offset=-1),
    "offset beyond": tensor(offset=1),
    "offset far beyond": tensor(offset=2**47),
    "offset too large for a number": tensor(offset=2**70),
    "offset of half": tensor(offset=0.5),
    "shape of more": tensor(shape=(5, 6)),
    "shape negative": tensor(shape=(-4, 6)),
    "shape of the whole memory": tensor(shape=(2**40, 6)),
    "shape beyond all numbers": tensor(shape=(2**47, 2**47)),
    "shape of a list": tensor(shape=[4, 6]),
    "shape of text": tensor(shape="46"),
    "shape of truths": tensor(shape=(True, False), strides=(1, 1)),
    "axes without end": tensor(shape=(1,) * 65, strides=(1,) * 65),
    "no strides": tensor(strides=()),
    "strides beyond": tensor(strides=(7, 1)),
    "strides far beyond": tensor(strides=(2**47, 1)),
    "strides negative": tensor(strides=(-6, -1)),
    "one value for ever": tensor(shape=(2**40,), strides=(0,)),
    "one value a few times": tensor(shape=(25,), strides=(0,)),
}


@pytest.mark.parametrize("case", VIEWS)
def test_tensors_that_leave_their_storage(case):
    refused(torch_file(VIEWS[case]), "a tensor")


def test_a_storage_of_two_kinds():
    halves = Persistent(("storage", Global("torch", "HalfStorage"), "0", "cpu", 24))
    both = {**tensor(), "v": Call(REBUILD, (halves, 0, (4,), (1,), False, DICTIONARY))}
    refused(torch_file(both), "a storage that two tensors describe differently")
    refused(made.torch_legacy(Path("b.pth").absolute(), Pickle(both, {"0": ARRAY})), "describe differently")


# --- Pickles that would not fit in memory, or never end


TUPLES = b")" + b"\x85" * 200_000
BOMBS = {
    "frame": Raw(b"\x95" + struct.pack("<Q", 2**62)),
    "LONG4": Raw(b"\x8b\xff\xff\xff\x7f1"),
    "BINBYTES8": Raw(b"\x8e" + struct.pack("<Q", 2**62)),
    "BINUNICODE8": Raw(b"\x8d" + struct.pack("<Q", 2**62)),
    "BYTEARRAY8": Raw(b"\x96" + struct.pack("<Q", 2**40)),
    "INT": Raw(b"I" + b"9" * 100_000 + b"\n"),
    "memos of four thousand million": Raw(b"Nr\xff\xff\xff\xff"),
    "tuples in tuples": Raw(TUPLES),
    "tuples in tuples as a key": Raw(b"}" + TUPLES + b"Ns"),
    "tuples in tuples as a key of pairs": Call(Global("collections", "OrderedDict"), ([Raw(TUPLES + b"N\x86")],)),
    "tuples in tuples as a storage": Raw(TUPLES + b"Q"),
    "lists in lists": Raw(b"]" * 100_000 + b"a" * 99_999),
    "laughs": Raw(b"K\x01q\x00" + b"h\x002h\x00\x86q\x00"[3:] * 10_000),
    "sets": Raw(b"\x8f(" + TUPLES + b"\x90"),
}


@pytest.mark.parametrize("case", BOMBS)
def test_pickles_that_grow(case):
    refused(torch_file({"w": BOMBS[case]}), most=200 * MB)


def test_arguments_that_are_copied_again_and_again():
    many = b"(" + b"K\x01" * 100_000 + b"tq\x01"
    twice = many + (made.code(Global("collections", "OrderedDict")) + b"h\x01R0") * 10_000
    refused(torch_file(Raw(twice)), "calls a function with 100,000 arguments")
    pairs = b"](" + b"](K\x01K\x02e" * 20_000 + b"e\x85q\x01"
    twice = pairs + (made.code(Global("collections", "OrderedDict")) + b"h\x01R") * 10_000
    refused(torch_file(Raw(b"](" + twice + b"e")), "no dictionary", most=64 * MB)


def test_a_pickle_too_large_for_names():
    large = "x" * pickled.MOST_PICKLED
    refused(torch_file({"w": large}), "data.pkl of 2,097,", "expected at most 2,097,152")
    refused(written(made.pickled(made.MAGIC) + made.pickled(large)), "a pickle of more than 2,097,152 bytes")
    # A mark takes one byte of a pickle and many in memory.
    marks = made.pickled(made.MAGIC) + b"\x80\x02" + b"(" * (pickled.MOST_PICKLED // 16)
    refused(written(marks), "damaged", most=200 * MB)


def test_what_makes_these_pickles_makes_what_it_says():
    wanted = {"a": [1, (2.5, None), True], "b": 2**70, "c": {"d": -3}}
    assert pickle.loads(made.pickled(wanted)) == wanted
