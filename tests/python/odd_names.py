"""IDL whose names generated code itself uses: keywords, builtins, and names of libraries and of ours."""

from __future__ import annotations

import keyword

import fastthrift

NAMES = [
    *(
        "bool",
        "int",
        "float",
        "str",
        "bytes",
        "list",
        "set",
        "dict",
        "tuple",
        "frozenset",
        "object",
        "type",
        "property",
    ),
    *("classmethod", "staticmethod", "globals", "super", "zip", "Ellipsis", "NotImplemented", "BaseException"),
    *("Any", "Final", "Literal", "Self", "TypeAlias", "Optional", "Awaitable", "overload", "abstractmethod", "ABCMeta"),
    *(f"_{name}" for name in ("Final", "Literal", "Self", "TypeAlias", "Awaitable", "overload", "ABCMeta")),
    *(f"_{name}" for name in ("abstractmethod", "builtins", "fastthrift", "generated", "uuid", "list", "Any")),
    *("annotations", "thrift", "generated", "fastthrift", "field", "module", "package", "typedef", "const", "function"),
    *("self", "cls", "_self", "args", "message", "with_traceback", "add_note", "name", "value", "real", "mro", "copy"),
    *("Client", "AsyncClient", "_thrift_client", "_which", "_value", "close", "Struct", "Union", "Exception", "Enum"),
    *(
        "Service",
        "__init__",
        "__class__",
        "__dict__",
        "__slots__",
        "__all__",
        "__match_args__",
        "__replace__",
        "__doc__",
    ),
    *(
        "__thrift_namespaces__",
        "__thrift_generated__",
        "__getattr__",
        "_",
        "__",
        "___",
        "_name_",
        "_missing_",
        "_order_",
    ),
    *keyword.kwlist,
]
TYPES = ("i32", "string", "bool", "double", "binary", "list<string>", "set<i32>", "map<string, i32>", "uuid")


def is_taken(text: str) -> bool:
    """Say whether the IDL accepts a text."""
    try:
        fastthrift.loads(text, name="a.thrift")
    except fastthrift.ThriftSyntaxError:
        return False
    return True


def members() -> str:
    """Write structs, an enum and services whose members have these names."""
    fields = [name for name in NAMES if is_taken(f"struct A {{ 1: i32 {name} }}")]
    values = [name for name in NAMES if is_taken(f"enum E {{ {name} }} service S {{ i32 {name}() }}")]
    plain = "".join(f"  {n}: {TYPES[n % 9]} {name}\n" for n, name in enumerate(fields, 1))
    marked = "".join(
        f"  {n}: {('required', 'optional', '')[n % 3]} {TYPES[n % 7]} {name}\n" for n, name in enumerate(fields, 1)
    )
    functions = "".join(
        f"  {TYPES[n % 9]} {name}(1: {TYPES[n % 7]} {name}, 2: Values {values[n - 2]})\n"
        for n, name in enumerate(values, 1)
    )
    return (
        f"enum Values {{ {', '.join(values)} }}\nstruct Plain {{\n{plain}}}\nstruct Marked {{\n{marked}}}\n"
        f"union Choice {{\n{plain}}}\nexception Failure {{\n{plain}}}\nservice Functions {{\n{functions}}}\n"
        "service More extends Functions { i32 own(1: list<Values> Values) }\nservice Same extends Functions {}\n"
    )


def definitions(*kinds: str) -> str:
    """Write definitions of these kinds, by turns, with these names, and others that use them under their own names."""
    bodies = {
        "struct": "struct {0} {{ 1: list<string> a, 2: map<string, bool> {0}, 3: required i32 b }}",
        "enum": "enum {0} {{ A, B }}",
        "exception": "exception {0} {{ 1: string a, 2: set<binary> {0} }}",
        "union": "union {0} {{ 1: string a, 2: set<binary> {0} }}",
        "typedef": "typedef list<map<string, i32>> {0}",
        "const": 'const list<string> {0} = ["x"]',
        "service": "service {0} {{ list<string> get(1: i32 a, 2: map<i32, set<string>> {0}) }}",
    }
    names = [name for name in NAMES if is_taken(f"struct {name} {{}}")]
    kind_of = {name: kinds[place % len(kinds)] for place, name in enumerate(names)}
    written = [bodies[kind].format(name) for name, kind in kind_of.items()]
    users = [name for name, kind in kind_of.items() if kind in ("struct", "enum", "union", "typedef")]
    fields = "".join(f"  {n}: {name} {name}\n" for n, name in enumerate(users, 1))
    lists = "".join(f"  {n}: list<{name}> f{n}\n" for n, name in enumerate(users, 1))
    functions = "".join(
        f"  {name} {name}(1: {name} {name}, 2: {users[n - 2]} other)\n" for n, name in enumerate(users, 1)
    )
    uses = f"struct User {{\n{fields}}}\nstruct Again {{\n{lists}}}\nunion Choice {{\n{fields}}}\n"
    return "\n".join(written) + "\n" + uses + f"service Uses {{\n{functions}}}\n"


def order() -> str:
    """Write structs that are called as generic builtins, below those that use them."""
    names = ("dict", "frozenset", "tuple")
    fields = "".join(f"  {n}: {name} f{n}\n" for n, name in enumerate(names, 1))
    structs = "".join(f"struct {name} {{}}\n" for name in names)
    return f"struct User {{\n{fields}}}\n{structs}service Uses {{ dict get(1: tuple a) }}\n"


def files() -> dict[str, str]:
    """Write files by their names."""
    return {
        "type": "struct dict { 1: i32 a }",
        "odd_order": 'include "type.thrift"\n' + order(),
        "odd_members": members(),
        "odd_structs": definitions("struct"),
        "odd_mixed": definitions("enum", "typedef", "struct", "const", "exception"),
        "odd_others": definitions("typedef", "enum", "service", "union"),
    }
