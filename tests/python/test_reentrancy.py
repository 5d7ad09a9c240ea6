"""Python code that runs in the middle of what native code does. Crashes show in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import fastthrift
import pytest

_UUIDS = """
import gc, uuid, fastthrift
m = fastthrift.loads("struct A { 1: list<uuid> l }")
target = None
class Evil:
    def __init__(self): self.me = self
    def __del__(self):
        if target is not None:
            target.l.clear()
gc.collect(); gc.disable()
for _ in range(20):
    target = None
    a = m.A([uuid.uuid4() for _ in range(2000)])
    target = a
    Evil()
    gc.set_threshold(1); gc.enable()
    try:
        assert len(fastthrift.serialize(a)) >= 4
    finally:
        gc.disable()
"""

_BUFFERS = """
import fastthrift
m = fastthrift.loads("struct A { 1: list<binary> l }")
class Evil(bytearray):
    def __buffer__(self, flags):
        a.l.clear()
        return memoryview(b"evil")
a = m.A([Evil(b"q"), *(bytes([i % 256]) * 60 for i in range(2000))])
data = fastthrift.serialize(a)
assert fastthrift.deserialize(m.A, data).l[:2] == [b"q", bytes(60)]
"""

_CLASSES = """
import gc, sys, fastthrift
src = "struct A { 1: string x, 2: string y }"
for i in range(20):
    m = fastthrift.loads(src, module_name=f"m{i}"); n = fastthrift.loads(src, module_name=f"n{i}")
    sys.modules.pop(f"m{i}", None)
    class Evil:
        def __eq__(self, other):
            global m
            left.__class__ = right.__class__ = n.A
            del m
            gc.collect()
            return True
    left, right = m.A(x=Evil(), y="a"), m.A(x=Evil(), y="a")
    assert left == right
"""

_FORK = """
import os, signal, threading, time, fastthrift
m = fastthrift.loads("service S { string echo(1: string s) }")
class Handler(m.S):
    def echo(self, s):
        time.sleep(0.01)
        return s
server = fastthrift.Server(Handler(), "tcp://127.0.0.1:0"); server.start()
client = fastthrift.connect(m.S, server.url)
stop = False
def work():
    while not stop: assert client.echo("parent") == "parent"
thread = threading.Thread(target=work); thread.start(); time.sleep(0.1)
child = os.fork()
if child == 0:
    signal.alarm(10)
    os._exit(0 if client.echo("child") == "child" else 1)
status = os.waitpid(child, 0)[1]
stop = True; thread.join(); server.stop()
assert status == 0, status
"""

_INTERRUPT = """
import os, signal, socket, threading, time, fastthrift
m = fastthrift.loads("service S { void ping() }")
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen(0)
waiting = []
for _ in range(4):
    waiting.append(socket.socket()); waiting[-1].setblocking(False)
    try: waiting[-1].connect(listener.getsockname())
    except BlockingIOError: pass
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell started in its background
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try: fastthrift.connect(m.S, "tcp://127.0.0.1:%d" % listener.getsockname()[1])
except KeyboardInterrupt: pass
else: raise AssertionError("connected")
"""


_SMALL_STACK = """
import threading, fastthrift
m = fastthrift.loads("struct A { 1: list<string> l, 2: optional A below }")
def chain():
    made = m.A()
    for _ in range(1000): made = m.A(below=made)
    return made
def nested():
    made = []
    for _ in range(5000): made = [made]
    return m.A(made)
seen = []
def work():
    one, other, lists = chain(), chain(), nested()
    for act in (lambda: hash(one), lambda: one == other, lambda: repr(one), lambda: hash(lists)):
        try: act()
        except RecursionError: seen.append("deep")
    assert repr(m.A(below=m.A(["x"]))) == "A(below=A(l=['x']))"
threading.stack_size(512 * 1024)
thread = threading.Thread(target=work); thread.start(); thread.join()
assert seen == ["deep"] * 4, seen
"""

_DESTRUCTORS = """
import fastthrift
m = fastthrift.loads("union U { 1: string a, 2: string b, 3: string c }")
class Evil:
    def __del__(self): union.c = "late"
union = m.U()
for place in "ab":
    for set in (lambda name: setattr(union, name, "x"), lambda name: vars(m.U)[name].__set__(union, "x")):
        union.b = Evil()
        set(place)
        members = [union.a, union.b, union.c]
        assert members == [None, None, "late"] and union._which == "c", members
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(_UUIDS, id="uuids while a finalizer empties their list"),
        pytest.param(_BUFFERS, id="a bytearray with a buffer of its own"),
        pytest.param(_CLASSES, id="an __eq__ that takes the class away"),
        pytest.param(_FORK, id="a fork while another thread is in a call"),
        pytest.param(_SMALL_STACK, id="deep values in a thread with a small stack"),
        pytest.param(_DESTRUCTORS, id="a destructor that sets another member of a union"),
        pytest.param(_INTERRUPT, id="a signal while a connection waits to be accepted"),
    ],
)
def test_nothing_crashes_or_hangs(program: str) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_a_class_can_extend_one_generated_class_only() -> None:
    m = fastthrift.loads("struct Empty {} struct A { 1: i32 x } exception E { 1: i32 y }", name="bases.thrift")
    for bases in [(m.Empty, m.A), (m.A, m.Empty), (m.Empty, m.E)]:
        with pytest.raises(TypeError, match="cannot extend two classes of IDL files"):
            type(m.A)("Both", bases, {})


def test_a_class_may_extend_a_container_too() -> None:
    m = fastthrift.loads("struct Empty {}", name="container.thrift")

    class Both(m.Empty, dict):  # type: ignore[name-defined, misc, type-arg]
        pass

    made = fastthrift.deserialize(Both, b"\0")
    made["a"] = 1
    assert made == {"a": 1}
