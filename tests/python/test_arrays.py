"""Lists of numbers as numpy arrays, `array.array` and memoryviews, both ways."""

from __future__ import annotations

import array
import copy
import math
import pickle
import subprocess
import sys
from typing import Any, Literal

import fastthrift
import numpy as np
import pytest

IDL = """
enum Kind { A = 1, B = 2 }
struct Numbers {
  1: list<bool> bools, 2: list<i8> bytes, 3: list<i16> shorts, 4: list<i32> ints, 5: list<i64> longs
  6: list<double> doubles
}
struct Others {
  1: list<Kind> kinds, 2: list<string> texts, 3: set<i64> ids, 4: map<list<i32>, list<i16>> by
  5: set<list<double>> points, 6: list<i32> defaulted = [1, 2]
}
struct Deep {
  1: list<list<double>> rows, 2: map<string, list<i64>> named, 3: Either either, 4: list<Numbers> many
  5: map<i32, map<i32, list<i8>>> maps, 6: list<list<list<i32>>> cubes
}
union Either { 1: list<double> numbers, 2: string text }
exception Failed { 1: list<i32> codes }
struct Narrow { 1: list<i8> values }
struct Wide { 1: list<i64> values }
"""
m: Any = fastthrift.loads(IDL, name="arrays.thrift")
attributes: Any = fastthrift.loads(IDL, name="arrays_attributes.thrift")

Kind = Literal["numpy", "array", "memoryview"]
KINDS: tuple[Kind, ...] = ("numpy", "array", "memoryview")
FIELDS = {
    "bools": ("bool", "b", "?", [False, True]),
    "bytes": ("int8", "b", "b", [-128, -1, 0, 127]),
    "shorts": ("int16", "h", "h", [-(2**15), -1, 0, 2**15 - 1]),
    "ints": ("int32", "i", "i", [-(2**31), -1, 0, 2**31 - 1]),
    "longs": ("int64", "q", "q", [-(2**63), -1, 0, 2**63 - 1]),
    "doubles": ("float64", "d", "d", [-math.inf, -0.0, 5e-324, math.pi, math.inf]),
}
"""Each field's numpy type, type code of `array`, format of memoryviews, and numbers of its type."""


def made(kind: Kind, field: str, values: list[Any]) -> Any:
    """Return what `deserialize` should: an array of this kind."""
    dtype, code, form, _ = FIELDS[field]
    if kind == "numpy":
        return np.array(values, dtype=dtype)
    if kind == "array":
        return array.array(code, values)
    return memoryview(array.array("b" if form == "?" else form, values)).cast("B").cast(form)


def same(left: Any, right: Any) -> bool:
    """Say whether two arrays are of the same kind and type and hold the same numbers."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        return bool(left.dtype == right.dtype and left.dtype.isnative and np.array_equal(left, right))
    if isinstance(left, array.array):
        return left.typecode == right.typecode and left == right
    return bool(left.format == right.format and left == right)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """A kind of array, each in turn."""
    found: Kind = request.param
    return found


@pytest.mark.parametrize("count", [0, 1, 2, 15, 16, 17, 129, 1000, 100_000])
@pytest.mark.parametrize("field", FIELDS)
def test_each_type_and_length_goes_both_ways(field: str, count: int, kind: Kind, protocol: str) -> None:
    some = FIELDS[field][3]
    values = (some * (count // len(some) + 1))[:count]
    data = fastthrift.serialize(m.Numbers(**{field: values}), protocol)
    read = fastthrift.deserialize(m.Numbers, data, protocol, arrays=kind)
    assert same(getattr(read, field), made(kind, field, values))
    assert fastthrift.serialize(read, protocol) == data
    assert fastthrift.serialize(m.Numbers(**{field: made(kind, field, values)}), protocol) == data


def test_what_is_read_owns_its_memory_and_can_be_changed(kind: Kind, protocol: str) -> None:
    buffer = bytearray(fastthrift.serialize(m.Numbers(doubles=[1.0, 2.0], bools=[True]), protocol))
    read = fastthrift.deserialize(m.Numbers, buffer, protocol, arrays=kind)
    buffer[:] = bytes(len(buffer))
    buffer.clear()
    read.doubles[0] = 5.0
    assert list(read.doubles) == [5.0, 2.0]
    assert list(read.bools) == [True]
    if kind == "numpy":
        assert read.doubles.flags.owndata
        assert read.doubles.flags.writeable
        assert read.doubles.flags.c_contiguous


def test_lists_stay_lists_when_they_are_asked_for(protocol: str) -> None:
    value = m.Numbers(doubles=[1.0], bools=[True])
    data = fastthrift.serialize(value, protocol)
    assert fastthrift.deserialize(m.Numbers, data, protocol, arrays="list") == value
    assert type(fastthrift.deserialize(m.Numbers, data, protocol).doubles) is list


def test_arrays_are_wherever_lists_of_numbers_are(kind: Kind, protocol: str) -> None:
    value = m.Deep(
        rows=[[1.0, 2.0], [], [3.0]],
        named={"a": [1], "b": []},
        either=m.Either(numbers=[4.0]),
        many=[m.Numbers(ints=[5]), m.Numbers()],
        maps={1: {2: [6]}},
        cubes=[[[7], []], []],
    )
    data = fastthrift.serialize(value, protocol)
    read = fastthrift.deserialize(m.Deep, data, protocol, arrays=kind)
    assert type(read.rows) is list
    assert same(read.rows[0], made(kind, "doubles", [1.0, 2.0]))
    assert same(read.rows[1], made(kind, "doubles", []))
    assert same(read.named["a"], made(kind, "longs", [1]))
    assert same(read.either.numbers, made(kind, "doubles", [4.0]))
    assert same(read.many[0].ints, made(kind, "ints", [5]))
    assert same(read.maps[1][2], made(kind, "bytes", [6]))
    assert same(read.cubes[0][0], made(kind, "ints", [7]))
    assert read.cubes[1] == []
    assert fastthrift.serialize(read, protocol) == data


def test_what_is_no_list_of_numbers_stays_what_it_is(kind: Kind, protocol: str) -> None:
    value = m.Others([m.Kind.A], ["a"], {1}, {(1, 2): [3]}, {(1.0,)})
    read = fastthrift.deserialize(m.Others, fastthrift.serialize(value, protocol), protocol, arrays=kind)
    assert (read.kinds, read.texts, read.ids, read.points) == (value.kinds, value.texts, value.ids, value.points)
    assert list(read.by) == [(1, 2)]
    assert same(read.by[1, 2], made(kind, "shorts", [3]))


def test_a_default_stays_a_list(kind: Kind) -> None:
    assert fastthrift.deserialize(m.Others, b"\0", arrays=kind).defaulted == [1, 2]


def test_every_function_that_reads_gives_arrays(kind: Kind, protocol: str) -> None:
    data = fastthrift.serialize(m.Failed([1, 2]), protocol)
    expected = made(kind, "ints", [1, 2])
    read, end = fastthrift.deserialize_from(m.Failed, data, protocol, arrays=kind)
    assert same(read.codes, expected)
    assert end == len(data)
    records = list(fastthrift.iter_structs(m.Failed, data * 3, protocol, arrays=kind))
    assert [same(record.codes, expected) for record in records] == [True] * 3
    some = fastthrift.deserialize(m.Failed, data, protocol, fields=["codes"], arrays=kind)
    assert same(some.codes, expected)


def test_readable_json_gives_and_takes_arrays(kind: Kind) -> None:
    value = m.Numbers(**{field: row[3] * 10 for field, row in FIELDS.items()})
    data = fastthrift.serialize(value, "simplejson")
    read = fastthrift.deserialize(m.Numbers, data, "simplejson", arrays=kind)
    for field, row in FIELDS.items():
        assert same(getattr(read, field), made(kind, field, row[3] * 10))
    assert fastthrift.serialize(read, "simplejson") == data
    assert same(
        fastthrift.deserialize(m.Numbers, b'{"ints": []}', "simplejson", arrays=kind).ints, made(kind, "ints", [])
    )
    with pytest.raises(fastthrift.DecodeError, match=r"bytes\[1\]"):
        fastthrift.deserialize(m.Numbers, b'{"bytes": [1, 200]}', "simplejson", arrays=kind)


def test_narrower_numbers_on_the_wire_are_widened(kind: Kind, protocol: str) -> None:
    data = fastthrift.serialize(m.Narrow([-128, 0, 127] * 20), protocol)
    read = fastthrift.deserialize(m.Wide, data, protocol, arrays=kind)
    assert same(read.values, made(kind, "longs", [-128, 0, 127] * 20))


class TestAttributes:
    """Classes that are bound to structs, whose fields are plain attributes."""

    def test_arrays_go_both_ways(self, kind: Kind, protocol: str) -> None:
        class Numbers:
            bools = bytes = shorts = ints = longs = doubles = None

        module = fastthrift.loads(IDL, name=f"bound_{kind}_{protocol}.thrift")
        fastthrift._core.bind_classes(module, {"Numbers": Numbers})
        value: Any = Numbers()
        for field, (*_, values) in FIELDS.items():
            setattr(value, field, made(kind, field, values))
        data = fastthrift.serialize(value, protocol)
        assert data == fastthrift.serialize(m.Numbers(**{field: row[3] for field, row in FIELDS.items()}), protocol)
        read: Any = fastthrift.deserialize(Numbers, data, protocol, arrays=kind)  # type: ignore[type-var]
        for field in FIELDS:
            assert same(getattr(read, field), getattr(value, field))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda a: a[::2], id="every second"),
        pytest.param(lambda a: a[::-1], id="backwards"),
        pytest.param(lambda a: a.astype(a.dtype.newbyteorder(">")), id="big endian"),
        pytest.param(lambda a: a.astype(a.dtype.newbyteorder("<")), id="little endian"),
        pytest.param(lambda a: a.astype(a.dtype.newbyteorder(">"))[::-3], id="big endian backwards"),
        pytest.param(lambda a: np.broadcast_to(a[:1], (40,)), id="one again and again"),
        pytest.param(lambda a: np.frombuffer(b"x" + a.tobytes(), a.dtype, offset=1), id="misaligned"),
        pytest.param(lambda a: a.reshape(2, -1)[1], id="row of a table"),
        pytest.param(lambda a: a.reshape(2, -1)[:, 0], id="column of a table"),
        pytest.param(memoryview, id="memoryview of numpy"),
        pytest.param(lambda a: memoryview(a)[1::3], id="strided memoryview"),
        pytest.param(lambda a: a.view(type("Sub", (np.ndarray,), {})), id="subclass"),
    ],
)
def test_arrays_that_lie_otherwise_are_written_too(field: str, change: Any, protocol: str) -> None:
    values = np.array(FIELDS[field][3] * 8, dtype=FIELDS[field][0])
    changed = change(values)
    expected = fastthrift.serialize(m.Numbers(**{field: changed.tolist()}), protocol)
    assert fastthrift.serialize(m.Numbers(**{field: changed}), protocol) == expected


def test_arrays_that_cannot_be_changed_are_written(protocol: str) -> None:
    fixed = np.arange(5.0)
    fixed.flags.writeable = False
    data = fastthrift.serialize(m.Numbers(doubles=list(range(5))), protocol)
    assert fastthrift.serialize(m.Numbers(doubles=fixed), protocol) == data
    assert fastthrift.serialize(m.Numbers(doubles=memoryview(bytes(fixed.data)).cast("d")), protocol) == data


def test_rows_of_a_table_are_written_as_lists_of_lists(protocol: str) -> None:
    table = np.arange(6.0).reshape(2, 3)
    expected = fastthrift.serialize(m.Deep(rows=table.tolist()), protocol)
    assert fastthrift.serialize(m.Deep(rows=list(table)), protocol) == expected


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("doubles", np.zeros(3, np.float32), r"Numbers\.doubles: expected a list, or an array of one dimension and "
         r"format 'd' \(float64\), got ndarray of format 'f'"),
        ("doubles", np.zeros(3, np.int64), "format 'd'"),
        ("doubles", np.zeros((2, 2)), "got ndarray of 2 dimensions and format 'd'"),
        ("doubles", np.array(1.0), "got ndarray of 0 dimensions and format 'd'"),
        ("doubles", np.array([1.0], object), "got ndarray of format 'O'"),
        ("doubles", np.zeros(3, "datetime64[s]"), "doubles: "),
        ("longs", array.array("i", [1]), r"format 'q' \(int64\), got array of format 'i'"),
        ("longs", np.zeros(3, np.uint64), "got ndarray of format 'L'"),
        ("bytes", np.zeros(3, np.uint8), "got ndarray of format 'B'"),
        ("bytes", memoryview(b"abc"), "got memoryview of format 'B'"),
        ("bytes", np.zeros(3, bool), r"got ndarray of format '\?'"),
        ("bytes", b"abc", "expected list, got bytes"),
        ("bytes", bytearray(b"abc"), "expected list, got bytearray"),
        ("bools", np.zeros(3, np.uint8), "got ndarray of format 'B'"),
        ("bools", np.array([0, 2, 1], np.int8), "bools: an array for a list of bool holds bytes that are neither"),
        ("bools", np.array([1, 255], np.uint8).view(bool), "neither 0 nor 1"),
        ("ints", np.zeros(3, [("a", "i4")]), "got ndarray of format"),
    ],
)  # fmt: skip
def test_an_array_of_another_format_is_an_error_that_names_both(
    field: str, value: Any, text: str, protocol: str
) -> None:
    with pytest.raises(fastthrift.EncodeError, match=text):
        fastthrift.serialize(m.Numbers(**{field: value}), protocol)
    with pytest.raises(fastthrift.EncodeError):
        fastthrift.to_json(m.Numbers(**{field: value}))


def test_a_released_memoryview_is_an_error() -> None:
    view = memoryview(array.array("d", [1.0]))
    view.release()
    with pytest.raises(fastthrift.EncodeError, match=r"doubles: .*released"):
        fastthrift.serialize(m.Numbers(doubles=view))


def test_arrays_are_for_lists_of_numbers_alone() -> None:
    for value in (m.Others(kinds=np.array([1], np.int32)), m.Others(texts=np.array(["a"])), m.Others(ids=np.arange(2))):
        with pytest.raises(fastthrift.EncodeError, match="got ndarray"):
            fastthrift.serialize(value)


def test_an_array_can_be_resized_once_it_is_written() -> None:
    numbers = array.array("d", [1.0])
    fastthrift.serialize(m.Numbers(doubles=numbers))
    numbers.append(2.0)
    with pytest.raises(fastthrift.EncodeError):
        fastthrift.serialize(m.Deep(rows=[numbers, "x"]))
    numbers.append(3.0)
    read = fastthrift.deserialize(m.Numbers, fastthrift.serialize(m.Numbers(doubles=numbers)), arrays="array")
    read.doubles.append(4.0)
    assert list(read.doubles) == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("value", [5, None, "numpy ", "LIST", b"numpy", ["numpy"]])
def test_another_kind_is_an_error(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="arrays must be"):
        fastthrift.deserialize(m.Numbers, b"\0", arrays=value)


def test_lists_that_are_cut_off_or_too_long_are_errors(kind: Kind, protocol: str) -> None:
    data = fastthrift.serialize(m.Numbers(doubles=[1.0] * 100), protocol)
    for end in range(len(data) - 1):
        with pytest.raises(fastthrift.DecodeError):
            fastthrift.deserialize(m.Numbers, data[:end], protocol, arrays=kind)
    claim = b"\x0f\x00\x06\x04\x7f\xff\xff\xff" if protocol == "binary" else b"\x69\xf7\xff\xff\xff\xff\x07"
    with pytest.raises(fastthrift.DecodeError):
        fastthrift.deserialize(m.Numbers, claim + bytes(50), protocol, arrays=kind)


def test_memory_is_bounded(kind: Kind) -> None:
    limited = fastthrift.Binary(limits=fastthrift.Limits(memory=1 << 20))
    many = fastthrift.serialize(m.Deep(rows=[[]] * 20_000))
    with pytest.raises(fastthrift.DecodeError, match="decoded message"):
        fastthrift.deserialize(m.Deep, many, limited, arrays=kind)
    long = fastthrift.serialize(m.Numbers(doubles=[0.0] * 200_000))
    with pytest.raises(fastthrift.DecodeError, match="decoded message"):
        fastthrift.deserialize(m.Numbers, long, limited, arrays=kind)
    most = fastthrift.serialize(m.Numbers(doubles=[0.0] * 100_000))
    assert len(fastthrift.deserialize(m.Numbers, most, limited, arrays=kind).doubles) == 100_000


class TestEquality:
    """`==` of structs that hold arrays."""

    @pytest.mark.parametrize("field", FIELDS)
    def test_arrays_of_equal_shape_and_numbers_are_equal(self, field: str, kind: Kind) -> None:
        values = FIELDS[field][3]
        one, other = (m.Numbers(**{field: made(kind, field, values)}) for _ in range(2))
        assert one == other
        assert (one != other) is False
        assert one != m.Numbers(**{field: made(kind, field, values[::-1])})
        assert one != m.Numbers(**{field: made(kind, field, values[:-1])})
        assert one != m.Numbers(**{field: made(kind, field, [])})
        assert one != m.Numbers()
        assert m.Numbers() != one
        assert m.Numbers(**{field: made(kind, field, [])}) == m.Numbers(**{field: made(kind, field, [])})

    def test_a_numpy_array_equals_the_list_of_its_numbers(self) -> None:
        assert m.Numbers(doubles=np.arange(3.0)) == m.Numbers(doubles=[0.0, 1.0, 2.0])
        assert m.Numbers(doubles=[0.0, 1.0, 2.0]) == m.Numbers(doubles=np.arange(3.0))
        assert m.Numbers(doubles=np.arange(3.0)) != m.Numbers(doubles=[0.0, 1.0])
        assert m.Numbers(doubles=np.arange(1.0)) != m.Numbers(doubles="text")
        assert m.Numbers(doubles=np.ones(1)) != m.Numbers(doubles=np.ones(2))

    def test_nan_is_unlike_itself_but_an_array_is_not(self) -> None:
        nan = np.array([math.nan])
        assert m.Numbers(doubles=nan) == m.Numbers(doubles=nan)
        assert m.Numbers(doubles=nan) != m.Numbers(doubles=nan.copy())

    def test_containers_of_arrays_are_compared_through(self, kind: Kind) -> None:
        value = m.Deep(
            rows=[[1.0, 2.0], [], [3.0]], named={"a": [1, 2], "b": []}, maps={1: {2: [6, 7]}}, cubes=[[[7, 8], []], []]
        )
        data = fastthrift.serialize(value)
        one, other = (fastthrift.deserialize(m.Deep, data, arrays=kind) for _ in range(2))
        assert one == other
        other.rows[0][1] = 5.0
        assert one != other
        other.rows[0][1] = 2.0
        assert one == other
        del other.named["b"]
        assert one != other
        other.named["c"] = one.named["b"]
        assert one != other
        if kind == "numpy":
            assert one == value
            assert m.Deep(rows=[[1.0], np.ones(2)]) == m.Deep(rows=[[1.0], np.ones(2)])
            assert m.Deep(rows=[[1.0], np.ones(2)]) != m.Deep(rows=[[1.0], np.zeros(2)])
            assert m.Deep(rows=[np.ones(2)]) != m.Deep(rows={})

    def test_an_error_that_is_not_numpys_is_raised(self) -> None:
        class Bad:
            def __eq__(self, other: object) -> bool:
                raise ValueError("no")

            __hash__ = object.__hash__

        with pytest.raises(ValueError, match="no"):
            assert m.Deep(rows=[Bad()]) == m.Deep(rows=[Bad()])
        with pytest.raises(ValueError, match="no"):
            assert m.Deep(rows=Bad()) == m.Deep(rows=Bad())


def test_structs_that_hold_arrays_are_shown_copied_and_pickled() -> None:
    value = m.Numbers(doubles=np.arange(2.0), ints=array.array("i", [1]))
    assert repr(value) == "Numbers(ints=array('i', [1]), doubles=array([0., 1.]))"
    assert copy.copy(value).doubles is value.doubles
    deep = copy.deepcopy(value)
    assert deep == value
    assert deep.doubles is not value.doubles
    with pytest.raises(TypeError, match="unhashable"):
        hash(value)
    module = fastthrift.loads(
        "struct P { 1: list<double> d }", name="arrays_pickled.thrift", module_name="arrays_pickled"
    )
    assert pickle.loads(pickle.dumps(module.P(np.arange(2.0)))) == module.P(np.arange(2.0))


def test_plain_data_and_json_take_arrays_as_lists(kind: Kind) -> None:
    lists = m.Numbers(**{field: row[3] for field, row in FIELDS.items()})
    arrays = m.Numbers(**{field: made(kind, field, row[3]) for field, row in FIELDS.items()})
    assert fastthrift.to_json(arrays) == fastthrift.to_json(lists)
    assert fastthrift.to_json(arrays, indent=2) == fastthrift.to_json(lists, indent=2)
    assert fastthrift.to_json(m.Numbers(ints=made(kind, "ints", []))) == '{"ints":[]}'
    plain = fastthrift.to_dict(arrays)
    assert plain == fastthrift.to_dict(lists)
    assert all(type(values) is list for values in plain.values())
    assert fastthrift.from_dict(m.Numbers, {field: getattr(arrays, field) for field in FIELDS}) == lists


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_numpy_is_imported_when_it_is_first_asked_for() -> None:
    program = """
import sys, array, fastthrift
m = fastthrift.loads("struct S { 1: list<double> d }")
data = fastthrift.serialize(m.S(array.array("d", [1.0])))
assert m.S(array.array("d", [1.0])) == fastthrift.deserialize(m.S, data, arrays="array")
fastthrift.deserialize(m.S, data, arrays="memoryview")
assert "numpy" not in sys.modules
sys.modules["numpy"] = None
for _ in range(2):
    try: fastthrift.deserialize(m.S, data, arrays="numpy")
    except ImportError as error: assert "pip install numpy" in str(error) and error.__cause__ is not None
    else: raise AssertionError("read")
del sys.modules["numpy"]
assert type(fastthrift.deserialize(m.S, data, arrays="numpy").d).__name__ == "ndarray"
"""
    done = run(program)
    assert done.returncode == 0, done.stderr


EVIL_CLASSES = """
import array, sys, fastthrift, numpy as np
m = fastthrift.loads("struct S { 1: list<list<double>> d }")
ran = []
def evil(self, *_):
    ran.append(type(self)); value.d.clear()
    return memoryview(array.array("d", [1.0]))
bodies = {"__buffer__": evil, "__release_buffer__": evil, "__len__": evil, "__getitem__": evil, "__array__": evil,
          "__iter__": evil, "__getattr__": evil}
for base, args in ((array.array, ("d", [1.0])), (np.ndarray, (1,)), (object, ())):
    for name in ("Evil", "numpy.ndarray", "array.array"):
        value = m.S([type(name, (base,), bodies)(*args)] + [[float(i)] * 20 for i in range(2000)])
        try: data = fastthrift.serialize(value)
        except fastthrift.EncodeError as error: assert "expected list" in str(error), error
        else: assert base is not object and sys.version_info < (3, 12)
assert not ran
"""

EVIL_COLLECTOR = """
import array, gc, sys, fastthrift, numpy as np
m = fastthrift.loads("struct S { 1: list<list<double>> d }")
data = fastthrift.serialize(m.S([[float(i)] * 20 for i in range(2000)]))
class Evil:
    def __init__(self): self.me = self
    def __del__(self):
        global left
        if left <= 0: return
        left -= 1
        for found in gc.get_objects():
            for one in (found, *gc.get_referents(found)) if type(found) is memoryview else (found,):
                try:
                    if type(one) in (array.array, bytearray): one.clear() if type(one) is bytearray else one.append(1)
                    elif type(one) is memoryview: one.release()
                except (BufferError, TypeError): pass
        Evil()
for kind in ("numpy", "array", "memoryview"):
    fastthrift.deserialize(m.S, data, arrays=kind)
    for _ in range(3):
        left = 20
        gc.collect(); gc.disable(); Evil(); gc.set_threshold(1); gc.enable()
        try: fastthrift.deserialize(m.S, data, arrays=kind)
        except (fastthrift.DecodeError, ValueError): pass
        finally: gc.disable(); left = 0
"""

THREADS = """
import array, threading, time, fastthrift, numpy as np
m = fastthrift.loads("struct S { 1: list<bool> b, 2: list<i64> l }")
flags, longs = np.zeros(100_000, np.uint8), np.zeros(100_000, np.int64)
value, end = m.S(flags.view(bool), longs), time.monotonic() + 1.5
def write():
    while time.monotonic() < end:
        for number in (0, 1, 255): flags.fill(number); longs.fill(number << 50)
def read():
    while time.monotonic() < end:
        for protocol in ("binary", "compact"):
            try: fastthrift.deserialize(m.S, fastthrift.serialize(value, protocol), protocol)
            except fastthrift.EncodeError as error: assert "neither 0 nor 1" in str(error)
threads = [threading.Thread(target=target) for target in (write, read, read)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

LEAKS = """
import gc, os, fastthrift, numpy as np
m = fastthrift.loads("struct S { 1: list<double> d, 2: list<bool> b, 3: list<list<i16>> rows }")
value = m.S(np.arange(100.0), np.ones(9, bool), [np.arange(40, dtype="i2")[::2], np.arange(3, dtype=">i2")])
bad, ambiguous = m.S(np.arange(100.0), rows=[np.arange(9, dtype="i2"), np.zeros(2)]), m.S(np.arange(100.0))
data = fastthrift.serialize(value)
cut, lists = data[:-3], fastthrift.deserialize(m.S, data)
def memory():
    gc.collect()
    with open("/proc/self/statm") as file: return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
def turn():
    for kind in ("numpy", "array", "memoryview"):
        read = fastthrift.deserialize(m.S, data, arrays=kind)
        assert fastthrift.serialize(read) == data
    for broken in (lambda: fastthrift.serialize(bad), lambda: fastthrift.deserialize(m.S, cut, arrays=kind)):
        try: broken()
        except (fastthrift.EncodeError, fastthrift.DecodeError): pass
        else: raise AssertionError("no error")
for _ in range(2_000): turn()
before = memory()
for _ in range(33_334): turn()
grown = memory() - before
assert grown < 1 << 20, grown
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(EVIL_CLASSES, id="classes with buffers of their own"),
        pytest.param(EVIL_COLLECTOR, id="finalizers that look for unfinished arrays"),
        pytest.param(THREADS, id="threads that store numbers meanwhile"),
    ],
)
def test_nothing_crashes(program: str) -> None:
    done = run(program)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process's memory from /proc")
def test_a_hundred_thousand_round_trips_take_no_memory() -> None:
    done = run(LEAKS)
    assert done.returncode == 0, done.stderr
