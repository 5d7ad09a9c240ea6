"""Generated modules: what they hold, and that their classes are those that loading gives."""

from __future__ import annotations

import importlib
import pickle
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import fastthrift
import pytest

from tests.python import odd_names

IDL = Path(__file__).resolve().parents[1] / "generated"
ORDERS = IDL / "orders.thrift"


def run(program: str, *folders: Path) -> str:
    """Run a program in an interpreter of its own that finds modules in these folders, and return what it prints."""
    text = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}\n{program}"
    path = [part for part in sys.path if part]
    command = [sys.executable, "-W", "error", "-c", f"import sys; sys.path[:] = {path!r}\n{text}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package was generated in."""
    folder = tmp_path_factory.mktemp("generated")
    fastthrift.generate_python(ORDERS, folder)
    return folder


@pytest.fixture(scope="module")
def orders(folder: Path) -> Iterator[Any]:
    """The module of the orders, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module("shop.orders")


def test_a_package_has_modules_stubs_and_a_marker(tmp_path: Path) -> None:
    written = fastthrift.generate_python(ORDERS, tmp_path, package="my.idl")
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        "my/__init__.py",
        "my/idl/__init__.py",
        "my/idl/shop/__init__.py",
        "my/idl/shop/common/__init__.py",
        "my/idl/shop/common/__init__.pyi",
        "my/idl/shop/common/_common.py",
        "my/idl/shop/common/_common.pyi",
        "my/idl/shop/orders/__init__.py",
        "my/idl/shop/orders/__init__.pyi",
        "my/idl/shop/orders/_orders.py",
        "my/idl/shop/orders/_orders.pyi",
        "my/py.typed",
    }
    assert run("import my.idl.shop.orders as m; print(m.Order.__module__)", tmp_path) == "my.idl.shop.orders\n"


def test_generating_again_gives_the_same_and_leaves_files_alone(folder: Path, tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("MINE = 1\n")
    first = fastthrift.generate_python(ORDERS, tmp_path)
    texts = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in first}
    assert fastthrift.generate_python([ORDERS, IDL / "common.thrift"], tmp_path) == first
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in first} == texts
    assert (package / "__init__.py").read_text() == "MINE = 1\n"
    for path in first:
        other = folder / path.relative_to(tmp_path)
        assert path.name == "__init__.py" or path.read_bytes() == other.read_bytes()


def write_files(folder: Path, **texts: str) -> list[Path]:
    """Write IDL files and return their paths."""
    for name, text in texts.items():
        (folder / f"{name}.thrift").write_text(text)
    return [folder / f"{name}.thrift" for name in texts]


NAMESPACES = {
    "a": "/** Letters. */ namespace py one\ninclude 'c.thrift'\nstruct A { 1: c.C c }",
    "b": "namespace py one\nstruct B { 1: string text }\nconst B LAST = {'text': 'z'}",
    "c": "namespace py one.more.in\nstruct C {}",
    "class": "struct D {}",
    "e": "namespace py class_\nstruct E {}",
}


def test_a_namespace_has_what_all_its_files_declare(tmp_path: Path) -> None:
    fastthrift.generate_python(write_files(tmp_path, **NAMESPACES), tmp_path / "out")
    program = (
        "import one, one.more.in_, class_\n"
        "print(one.A(), one.B(), one.LAST, one.more.in_.C(), class_.D(), class_.E())\n"
        "print(one.c_ is one._a.c_, one.__doc__)\n"
        "print(one.__all__, dir(one), one.A, hasattr(one, 'C'), one.__thrift_namespaces__)\n"
        "from one import *; print(A is one.A)"
    )
    assert run(program, tmp_path / "out").splitlines() == [
        "A() B() B(text='z') C() D() E()",
        "True Letters.",
        "['A', 'B', 'LAST'] ['A', 'B', 'LAST', 'c_'] <class 'one.A'> False {'py': 'one'}",
        "True",
    ]


def texts(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


@pytest.mark.parametrize("order", ["abc", "cba", "bac"])
def test_runs_one_after_another_write_what_one_run_writes(order: str, tmp_path: Path) -> None:
    files = write_files(tmp_path, **NAMESPACES)
    fastthrift.generate_python(files, tmp_path / "one")
    for name in [*order, "class", "e"]:
        fastthrift.generate_python(tmp_path / f"{name}.thrift", tmp_path / "several")
    assert texts(tmp_path / "several") == texts(tmp_path / "one")


def test_a_file_that_is_gone_and_a_name_that_is_gone_are_handed_on_no_more(tmp_path: Path) -> None:
    files = write_files(tmp_path, **NAMESPACES)
    fastthrift.generate_python(files, tmp_path / "out")
    for path in (tmp_path / "out" / "one").glob("_b.*"):
        path.unlink()
    files[0].write_text("namespace py one\nstruct Other {}")
    fastthrift.generate_python(files[0], tmp_path / "out")
    assert run("import one; print(one.__all__)", tmp_path / "out") == "['Other']\n"
    assert "from ._b " not in (tmp_path / "out" / "one" / "__init__.pyi").read_text()


def test_packages_may_include_one_another_by_different_files(tmp_path: Path) -> None:
    files = write_files(
        tmp_path,
        a="namespace py x\ninclude 'c.thrift'\nstruct A { 1: c.C c }",
        b="namespace py x\ninclude 'd.thrift'\nstruct B { 1: d.D d }",
        c="namespace py y\nstruct C {}",
        d="namespace py y\ninclude 'a.thrift'\nstruct D { 1: a.A a }",
    )
    fastthrift.generate_python(files, tmp_path / "out")
    use = "import x, y; print(x.B(y.D(x.A(y.C()))))"
    for first in ("x", "y", "x._b", "y._d", "x._a", "y._c"):
        assert run(f"import {first}\n{use}", tmp_path / "out") == "B(d=D(a=A(c=C())))\n"


def test_a_long_chain_of_includes_is_imported(tmp_path: Path) -> None:
    count = 400
    chain = {
        f"c{n}": f"include 'c{n + 1}.thrift'\nnamespace py chain.c{n}\nstruct S {{ 1: c{n + 1}.S next }}"
        for n in range(count)
    }
    files = write_files(tmp_path, **chain, **{f"c{count}": f"namespace py chain.c{count}\nstruct S {{ 1: i32 end }}"})
    fastthrift.generate_python(files[0], tmp_path / "out")
    program = "import chain.c0 as m; print(m.S(), m.c1.S(), sum(name.startswith('chain.c') for name in sys.modules))"
    assert run(program, tmp_path / "out") == f"S() S() {2 * (count + 1)}\n"


def test_an_include_that_cannot_be_imported_is_an_error(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "shop" / "common")
    program = "try: import shop.orders\nexcept ImportError as error: print(error)"
    assert run(program, tmp_path) == "No module named 'shop.common'\n"


def test_what_lies_beside_a_package_and_would_be_hidden_is_removed_if_it_was_generated(tmp_path: Path) -> None:
    (file,) = write_files(tmp_path, one="namespace py a.one\nstruct A {}")
    (tmp_path / "a").mkdir()
    mark = "# Generated by `fastthrift gen python` from one.thrift. Changes are lost when it is generated anew.\n"
    for name in ("one.py", "one.pyi"):
        (tmp_path / "a" / name).write_text(mark)
    fastthrift.generate_python(file, tmp_path)
    assert not [*tmp_path.glob("a/one.*")]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.py").write_text("MINE = 1\n")
    with pytest.raises(FileExistsError, match="which a package of its name would hide") as caught:
        fastthrift.generate_python(file, tmp_path / "b")
    assert caught.value.filename == str(tmp_path / "b" / "a.py")
    assert texts(tmp_path / "b") == {"a.py": "MINE = 1\n"}


CLASHES = [
    (
        {"a": "namespace py p\nstruct sub {}", "b": "namespace py p.sub\nstruct B {}"},
        "p.sub would be both the package of {b} and what {a} declares",
        "p.sub",
    ),
    (
        {"a": "namespace py p\nstruct X {}", "b": "namespace py p\nenum X {}"},
        "p.X would be both what {a} declares and what {b} declares",
        "X would be declared by both",
    ),
    (
        {"a": "namespace py p\nstruct A {}", "b": "namespace py p\nstruct _a {}"},
        "p._a would be both the module of {a} and what {b} declares",
        None,
    ),
]


@pytest.mark.parametrize(("files", "text", "later"), CLASHES)
def test_a_name_that_would_mean_two_things_is_refused(
    files: dict[str, str], text: str, later: str | None, tmp_path: Path
) -> None:
    paths = write_files(tmp_path, **files)
    with pytest.raises(ValueError, match="would be both") as caught:
        fastthrift.generate_python(paths, tmp_path / "out")
    assert str(caught.value) == text.format(**{path.stem: path for path in paths})
    assert not (tmp_path / "out").exists()
    if later is None:
        return
    for first, second in (paths, paths[::-1]):
        out = tmp_path / f"out-{first.stem}"
        fastthrift.generate_python(first, out)
        before = texts(out)
        with pytest.raises(FileExistsError, match="declared"):
            fastthrift.generate_python(second, out)
        assert texts(out) == before


def test_files_of_one_name_are_refused_where_one_would_take_the_place_of_the_other(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_files(tmp_path / folder, same=f"namespace py p\nstruct In{folder} {{}}")
    paths = [tmp_path / folder / "same.thrift" for folder in ("a", "b")]
    names = f"{paths[0]} and the module of {paths[1]}"
    with pytest.raises(ValueError, match="would be both") as caught:
        fastthrift.generate_python(paths, tmp_path / "out")
    assert str(caught.value) == f"p._same would be both the module of {names}"
    with pytest.raises(ValueError, match="would be both") as caught:
        fastthrift.generate_stubs(paths, tmp_path / "out")
    assert str(caught.value) == f"same_thrift would be both the module of {names}"
    done = generate("stubs", *paths, "-o", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"fastthrift: {caught.value}\n")
    assert not (tmp_path / "out").exists()


def test_importing_makes_no_class_and_parses_no_idl(folder: Path) -> None:
    program = (
        "import shop.orders as m, fastthrift\n"
        "assert 'Order' not in vars(m) and 'Order' in dir(m) and hasattr(m, 'Order') and not hasattr(m, 'Oder')\n"
        "from shop.orders import *\n"
        "print(sorted(set(m.__all__) - set(globals())), Lines.__origin__, class_, __builtins__ and m.common.Address)"
    )
    expected = "[] <class 'list'> a \"b\" \\ c <class 'shop.common.Address'>\n"
    assert run(program, folder) == expected


def test_the_module_is_readable_source(folder: Path) -> None:
    lines = (folder / "shop" / "orders" / "_orders.py").read_text().splitlines()
    start = lines.index("class Line(thrift.Struct):")
    assert lines[start : start + 7] == [
        "class Line(thrift.Struct):",
        '    """',
        "    One line of an order:",
        "      what, and how many.",
        '    """',
        "",
        '    article: string = thrift.field(1, required=True, doc="Its name on the \\"price list\\".")',
    ]


def test_what_is_made_looks_like_what_loading_makes(orders: Any, folder: Path) -> None:
    program = f"import fastthrift; loaded = fastthrift.load({str(ORDERS)!r}, module_name='shop.orders')\n"
    show = (
        "import inspect\n"
        "for name in sorted(m.__all__):\n"
        "    thing = getattr(m, name)\n"
        "    print(name, repr(thing), getattr(thing, '__doc__', None) if isinstance(thing, type) else '')\n"
        "    if isinstance(thing, type) and name not in ('Place',):\n"
        "        print([*inspect.signature(thing).parameters] if hasattr(thing, '__match_args__') else '')\n"
        "        if hasattr(thing, '__match_args__'): print(repr(thing()), thing.__match_args__)\n"
        "        if name == 'Orders': print(sorted(n for n in dir(thing)), inspect.getdoc(thing.place))\n"
        "print(m.__thrift_namespaces__, m.__all__)"
    )
    loaded = run(f"{program}m = loaded\n{show}".replace("shop.orders'", "shop.orders'"))
    generated = run(f"import shop.orders as m\n{show}", folder)
    assert generated == loaded.replace("common_thrift.", "shop.common.")


def test_loading_gives_the_classes_of_a_module_that_says_the_same(orders: Any, tmp_path: Path) -> None:
    loaded = fastthrift.load(ORDERS)
    for name in ("Line", "Order", "State", "Payment", "Refused", "Orders", "Place"):
        assert getattr(loaded, name) is getattr(orders, name)
    assert loaded.common.Address is orders.common.Address
    assert loaded.EMPTY == orders.EMPTY
    assert isinstance(loaded.EMPTY, orders.Order)
    assert pickle.loads(pickle.dumps(loaded.EMPTY)) == orders.EMPTY


def test_loading_a_file_that_says_something_else_gives_classes_of_its_own(orders: Any, tmp_path: Path) -> None:
    text = ORDERS.read_text()
    (tmp_path / "common.thrift").write_text((IDL / "common.thrift").read_text())
    changed = tmp_path / "orders.thrift"
    changed.write_text(text.replace("2: i32 count = 1", "2: i32 count = 2"))
    loaded: Any = fastthrift.load(changed)
    assert loaded.Line is not orders.Line
    assert (loaded.Line("x").count, orders.Line("x").count) == (2, 1)
    # What it includes still says the same, and so its classes fit together with those of the module.
    assert loaded.common.Address is orders.common.Address
    order = loaded.Order(to=orders.common.Address("here"))
    assert fastthrift.deserialize(loaded.Order, fastthrift.serialize(order)) == order
    # Comments and places say nothing.
    changed.write_text(text.replace("A shop's orders.", "Orders.").replace("/** Take an order. */", "\n\n"))
    assert fastthrift.load(changed).Line is orders.Line


def test_pickles_go_between_a_process_that_loads_and_one_that_imports(folder: Path, tmp_path: Path) -> None:
    value = "m.Order(id=5, to=m.common.Address('x'), lines=[m.Line('y', 2)], state=m.State.SENT, tags={'a': {1}})"
    load = (
        f"import fastthrift, pickle, pathlib; m = fastthrift.load({str(ORDERS)!r}, module_name='shop.orders')\n"
        "sys.modules['shop.common'] = m.common; m.common.Address.__module__ = 'shop.common'\n"
        "import types; sys.modules['shop'] = types.ModuleType('shop')\n"  # pickling imports the package, too
    )
    generated = "import shop.orders as m, pickle, pathlib\n"
    for first, second in [(load, generated), (generated, load)]:
        store = tmp_path / "pickle"
        write = f"pathlib.Path({str(store)!r}).write_bytes(pickle.dumps({value}))"
        read = f"assert pickle.loads(pathlib.Path({str(store)!r}).read_bytes()) == {value}"
        run(first + write, *([folder] if first is generated else []))
        run(second + read, *([folder] if second is generated else []))


def test_annotations_can_be_resolved(orders: Any) -> None:
    hints = typing.get_type_hints(orders.Order)
    assert hints["to"] is orders.common.Address
    assert hints["lines"] == list[orders.Line]
    assert hints["parts"] == dict[tuple[int, ...], bytes]


def test_a_handler_serves_and_the_classes_of_clients_are_attributes_of_the_service(orders: Any) -> None:
    class Handler(orders.Orders):  # type: ignore[misc]
        def ready(self) -> bool:
            return True

        def place(self, order: Any, payment: Any) -> int:
            if payment._which == "cash":
                raise orders.Refused("no cash", payment)
            return int(order.id) + 1

        def find(self, text: str, state: Any) -> list[Any]:
            return [orders.Order(to=orders.common.Address(text), state=state)]

        def import_(self, number: int) -> Any:
            raise orders.common.Closed("for today")

    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
        # The loaded service is the same one.
        for service in (orders.Orders, fastthrift.load(ORDERS).Orders):
            with fastthrift.connect(service, server.url) as client:
                assert type(client) is orders.Orders.Client
                assert isinstance(client, orders.common.Health.Client)
                assert client.ready() is True
                order = orders.Order(id=1, to=orders.common.Address("x"))
                assert client.place(order, orders.Payment(card="1")) == 2
                with pytest.raises(orders.Refused, match="no cash"):
                    client.place(order, orders.Payment(cash=5))
                assert client.find(state=None)[0].to == orders.common.Address("*")
                assert client.find("y", orders.State.SENT)[0].state is orders.State.SENT
    assert issubclass(orders.Orders.AsyncClient, fastthrift.aio.Client)
    assert not hasattr(fastthrift.Service, "Client")


def test_threads_that_touch_a_module_at_once_get_one_class(folder: Path) -> None:
    program = (
        "import threading, shop.orders as m, shop.common as c\n"
        "barrier, seen = threading.Barrier(8), []\n"
        "def touch(number):\n"
        "    barrier.wait()\n"
        "    seen.append((m.Order, c.Address) if number % 2 else (c.Address, m.Order)[::-1])\n"
        "threads = [threading.Thread(target=touch, args=(n,)) for n in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "assert len(set(seen)) == 1, seen\n"
        "assert type(m.EMPTY.to) is c.Address\n"
    )
    run(program, folder)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("class A(t.Struct):\n    a: Missing = t.field(1)", 'A: "Missing" is no type'),
        ("class A(t.Struct):\n    a: list[i32, i32] = t.field(1)", 'A: expected "]" before ", i32]"'),
        ("class A(t.Struct):\n    a: i32 = t.field(1)\n    b: i32 = t.field(1)", "A: b has the id or name of another"),
        ("class A(t.Struct):\n    a: i32 = t.field(70000)", "A: "),
        ("class A(t.Struct):\n    a: i32 = t.field(1, default='x')", "A: "),
        ("class A(t.Struct):\n    a: i32", "A: a has no id"),
        ("A = t.typedef('list[A]')", "a typedef leads back to itself"),
        ("A = t.const('dict[string, i8]', {'x': 300})", "A: "),
        ("A = t.const('uuid', 'x')", "A: no UUID"),
        ("class A(t.Service, extends='A'):\n    pass", "a service extends itself"),
        ("class A(t.Enum):\n    X = 'a'", "A: "),
        (f"A = t.typedef('{'list[' * 200}i32{']' * 200}')", "A: types are nested too deeply"),
    ],
)
def test_a_declaration_that_somebody_made_wrong_is_an_error_that_names_it(body: str, text: str, tmp_path: Path) -> None:
    source = f"from __future__ import annotations\nfrom fastthrift import generated as t\n{body}\n"
    source += 't.module(globals(), program="wrong", source="wrong.thrift")\n'
    (tmp_path / "wrong.py").write_text(source)
    program = (
        "import wrong\ntry: wrong.A\nexcept (ValueError, TypeError, OverflowError) as error: print(error)\n"
        "else: raise SystemExit('no error')"
    )
    assert text in run(program, tmp_path)


def test_a_wrong_module_does_not_keep_others_from_being_used(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(
        "from __future__ import annotations\nfrom fastthrift import generated as t\nA = t.typedef('B')\n"
        "t.module(globals(), program='wrong', source='wrong.thrift')\n"
    )
    assert (
        run("import wrong, shop.orders; print(shop.orders.Line('x'))", folder, tmp_path)
        == "Line(article='x', count=1)\n"
    )


def test_modules_can_be_reloaded(folder: Path) -> None:
    program = (
        "import importlib, shop.orders as m\nbefore = m.Line; importlib.reload(m)\n"
        "assert 'Line' not in vars(m) and m.Line is not before and m.Line('x') != before('x')\n"
        "import fastthrift; assert fastthrift.load(" + repr(str(ORDERS)) + ").Line is m.Line"
    )
    run(program, folder)


def generate(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fastthrift", "gen", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=50)


def test_the_command_writes_what_the_functions_do(folder: Path, tmp_path: Path) -> None:
    assert generate("python", ORDERS, "-o", "out", cwd=tmp_path).returncode == 0
    written = {path.relative_to(tmp_path / "out"): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    assert written == {path: (folder / path).read_bytes() for path in written}
    assert len(written) == 10
    assert generate("stubs", ORDERS, "-o", "stubs", cwd=tmp_path).returncode == 0
    assert sorted(path.name for path in (tmp_path / "stubs").iterdir()) == ["common_thrift.pyi", "orders_thrift.pyi"]


def test_the_command_writes_rust(tmp_path: Path) -> None:
    assert generate("rust", ORDERS, "-o", "src", cwd=tmp_path).returncode == 0
    texts = {path.name: path.read_text() for path in (tmp_path / "src").iterdir()}
    assert "pub mod " in texts["mod.rs"]
    assert any("pub struct Line" in text for text in texts.values())


RUST_SETTINGS = {
    "--maps pairs": ("BTreeMap<", "Vec<(String, "),
    "--sets hash": ("BTreeSet<", "HashSet<"),
    "--texts shared": (": String", "fastthrift::Text"),
    "--unmarked option": ("pub id: i64", "pub id: Option<i64>"),
    "--newtypes all": ("pub type Cents = i64", "pub struct Cents("),
    "--keep-unknown-fields": (None, "unknown_fields"),
    "--keep-unknown-members": (None, "Unknown"),
    "--no-servers": ("OrdersServer", "OrdersClient"),
    "--no-clients": ("OrdersClient", "OrdersServer"),
    "--blocking": (None, "locking"),
    "--no-std": ("LazyLock", "pub street: p::String"),
    "--derive serde::Serialize --derive a::B": (None, "a::B, serde::Serialize"),
    "--runtime crate::thrift": ("::fastthrift", "crate::thrift"),
}


@pytest.mark.parametrize("arguments", RUST_SETTINGS)
def test_the_command_writes_rust_as_its_options_say(arguments: str, tmp_path: Path) -> None:
    gone, new = RUST_SETTINGS[arguments]
    command = ["rust", ORDERS, "--layout", "file", "-o"]
    assert generate(*command, "before", cwd=tmp_path).returncode == 0
    done = generate(*command, "after", *arguments.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    before, after = ((tmp_path / name / "orders.rs").read_text() for name in ("before", "after"))
    assert new in after
    assert (new if gone is None else gone) not in (before if gone is None else after)
    assert gone is None or gone in before


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--maps tree", 'maps is "tree", expected btree, hash, pairs'),
        ("--derive 1", 'derive is "1", expected paths of traits, such as serde::Serialize'),
    ],
)
def test_an_option_for_rust_that_cannot_be_is_an_error_that_says_what_can(
    arguments: str, text: str, tmp_path: Path
) -> None:
    done = generate("rust", ORDERS, "-o", "out", *arguments.split(), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"fastthrift: {text}\n")
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_is_wrong_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.thrift").write_text("struct A { 1: Missing a }")
    done = generate("python", "a.thrift", "-o", "out", cwd=tmp_path)
    assert (done.returncode, done.stderr.partition("\n")[0]) == (1, "error[E0501]: unknown type `Missing`")
    assert generate("python", "none.thrift", "-o", "out", cwd=tmp_path).returncode == 2
    assert generate("python", ORDERS, "-o", "out", "--package", "a-b", cwd=tmp_path).returncode == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("package", "text"),
    [
        ("a-b", '"a-b" is no name of a package, such as myapp.idl'),
        ("", '"" is no name of a package, such as myapp.idl'),
        ("a..b", '"a..b" is no name of a package, such as myapp.idl'),
        ("class", '"class" cannot name a package, since it is a keyword of Python'),
        ("class.x", '"class" in "class.x" cannot name a package, since it is a keyword of Python'),
    ],
)
def test_a_package_that_python_cannot_import_is_refused(package: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="package") as caught:
        fastthrift.generate_python(ORDERS, tmp_path / "out", package=package)
    assert str(caught.value) == text
    done = generate("python", ORDERS, "-o", "out", "--package", package, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"fastthrift: {text}\n")
    assert not (tmp_path / "out").exists()


def test_what_needs_a_missing_file_is_not_generated(tmp_path: Path) -> None:
    (tmp_path / "a.thrift").write_text("include 'no.thrift'\nstruct A { 1: no.B b }\nstruct C { 1: bool c }")
    for function in (fastthrift.generate_python, fastthrift.generate_stubs):
        with pytest.raises(fastthrift.ThriftSyntaxError, match=r"`A` needs `no\.B`"):
            function(tmp_path / "a.thrift", tmp_path / "out", allow_missing_includes=True)
    done = generate("rust", "a.thrift", "-o", "out", "--allow-missing-includes", cwd=tmp_path)
    assert (done.returncode, done.stderr.partition("\n")[0]) == (
        1,
        "error[E0304]: `A` needs `no.B` of an included file that is missing",
    )
    assert not (tmp_path / "out").exists()
    (tmp_path / "a.thrift").write_text("include 'no.thrift'\nstruct C { 1: bool c }")
    assert fastthrift.generate_python(tmp_path / "a.thrift", tmp_path / "out", allow_missing_includes=True)


def test_an_included_module_that_is_not_generated_is_an_error(tmp_path: Path) -> None:
    from fastthrift import generated

    with pytest.raises(TypeError, match="other is no generated module"):
        generated.module({"__name__": "x"}, program="x", source="x.thrift", includes={"other": ModuleType("other")})


EXAMPLE = IDL.parents[1] / "examples" / "generated"


def test_the_example_is_what_is_generated_now(tmp_path: Path) -> None:
    written = fastthrift.generate_python(EXAMPLE / "addressbook.thrift", tmp_path)
    kept = texts(EXAMPLE / "addressbook")
    assert {f"addressbook/{path}": text for path, text in kept.items()} == texts(tmp_path)
    assert len(written) == len(kept)


def test_the_program_of_the_example_runs() -> None:
    command = [sys.executable, EXAMPLE / "program.py"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("555-1 HOME Main street 1\nno Bob\n", "")


def test_names_that_python_has_taken_are_generated_under_others(tmp_path: Path) -> None:
    (tmp_path / "odd.thrift").write_text(
        "struct None { 1: i32 a }  struct globals { 1: i32 b }  enum class { A }  union with { 1: i32 c }\n"
        "exception lambda { 1: string d }  service import { None get(1: globals e) throws (1: lambda f) }\n"
    )
    fastthrift.generate_python(tmp_path / "odd.thrift", tmp_path)
    program = (
        "import odd; assert sorted(odd.__all__) == sorted(set(odd.__all__) & set(dir(odd))), odd.__all__;"
        "assert odd.globals(b=2).b == 2; assert odd.None_(a=1).a == 1; assert odd.class_.A == 0"
    )
    run(program, tmp_path)


@pytest.mark.parametrize("name", ["odd_members", "odd_structs", "odd_mixed", "odd_others"])
def test_names_that_generated_code_uses_itself_are_generated_as_they_are_loaded(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.thrift"
    file.write_text(odd_names.files()[name])
    fastthrift.generate_python(file, tmp_path)
    program = (
        f"import fastthrift, {name} as made; loaded = fastthrift.load({str(file)!r})\n"
        "assert loaded.__all__ == made.__all__\n"
        "wrong = [n for n in made.__all__ if getattr(made, n) is not getattr(loaded, n) != getattr(made, n)]\n"
        "print(wrong, len(made.__all__) > 5)"
    )
    assert run(program, tmp_path) == "[] True\n"


def test_what_was_not_generated_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "shop.thrift").write_text("struct A { 1: i32 a }")
    folder = tmp_path / "src"
    written = fastthrift.generate_python(tmp_path / "shop.thrift", folder)
    mine = next(path for path in written if path.suffix == ".py" and "class A" in path.read_text())
    stub = mine.with_suffix(".pyi")
    stub.unlink()
    mine.write_text("SECRET = 1\n")
    with pytest.raises(FileExistsError, match="was not generated"):
        fastthrift.generate_python(tmp_path / "shop.thrift", folder)
    done = generate("python", "shop.thrift", "-o", "src", cwd=tmp_path)
    assert done.returncode == 2
    assert "was not generated" in done.stderr
    assert mine.read_text() == "SECRET = 1\n"
    assert not stub.exists(), "nothing is written where something would be lost"
    mine.write_text("")
    for _ in range(2):
        fastthrift.generate_python(tmp_path / "shop.thrift", folder)
        assert "class A" in mine.read_text()
