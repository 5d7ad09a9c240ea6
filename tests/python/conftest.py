"""What the Python tests share: the axes they are parametrised by, and the outside things they can do without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastthrift import ClientTLS
from hypothesis import HealthCheck, settings

from tests.python.certificates import Authority
from tests.python.loop_servers import HANDLERS
from tests.python.loops import KINDS, Run, runner
from tests.python.modes import MODES, Mode
from tests.python.scripted import Connections, Faulty, Plan, counted_connections, faulty_servers

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("FASTTHRIFT_SHARED") or ROOT.parent / "shared")
"""Where real IDL lies beside the checkout; tests that want it are skipped where it is not."""

# A slow machine is not a failure, and the same examples are tried again: a run says something about the change alone.
settings.register_profile("project", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", deadline=None, max_examples=5000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "project"))


def thrift_compiler_version() -> str | None:
    """Return what Apache's compiler on the path says of itself, or None without one."""
    compiler = shutil.which("thrift")
    if compiler is None:
        return None
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, text=True, timeout=20)
    return version.stdout.strip()


def pytest_report_header() -> list[str]:
    """Say what is there of the things that tests can do without."""
    return [
        f"Apache compiler: {thrift_compiler_version() or 'absent, tests that use it are skipped'}",
        f"real IDL: {'present' if (SHARED / 'idl').is_dir() else 'absent, tests that use it are skipped'}",
    ]


TYPED = pytest.mark.parametrize("protocol", ["binary", "compact", "json"])
"""For tests of the protocols whose bytes tell the types of values."""


@pytest.fixture(params=["binary", "compact", "json", "simplejson"])
def protocol(request: pytest.FixtureRequest) -> str:
    """A protocol's name, each in turn."""
    return str(request.param)


@pytest.fixture(params=["framed", "unframed"])
def transport(request: pytest.FixtureRequest) -> str:
    """A transport's name, each in turn."""
    return str(request.param)


@pytest.fixture(params=["tcp", "unix"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A URL to serve at, each family in turn; TCP leaves the port to the system."""
    return "tcp://127.0.0.1:0" if request.param == "tcp" else f"unix://{tmp_path}/server.sock"


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Iterator[Mode]:
    """The engine of clients, each in turn."""
    with Mode(request.param).running() as mode:
        yield mode


@pytest.fixture(params=KINDS)
def run(request: pytest.FixtureRequest) -> Run:
    """What runs programs on an event loop, each kind in turn."""
    return runner(request.param)


@pytest.fixture(params=HANDLERS)
def style(request: pytest.FixtureRequest) -> tuple[Any, dict[str, Any]]:
    """A handler of an event loop's server and the options it needs, each way to write one in turn."""
    handler, options = HANDLERS[request.param]
    return handler(), options


@pytest.fixture
def switch_often() -> Iterator[None]:
    """Let threads take turns five hundred times as often as they do by themselves."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def faulty() -> Iterator[Callable[[Plan], Faulty]]:
    """Make servers that do with each request what a plan says."""
    with faulty_servers() as make:
        yield make


@pytest.fixture
def connections() -> Iterator[Connections]:
    """A server that answers on every connection and keeps count of them."""
    with counted_connections() as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs certificates; the name of each is used once."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make certificates with")
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def identity(authority: Authority) -> tuple[Path, Path]:
    """A server's certificate and key."""
    return authority.issue("server")


@pytest.fixture(scope="session")
def trusting(authority: Authority) -> ClientTLS:
    """What a client needs that trusts the authority."""
    return ClientTLS(ca_file=authority.file)


@pytest.fixture(scope="session")
def shared_idl() -> Path:
    """The folder of real IDL files."""
    folder = SHARED / "idl"
    if not folder.is_dir():
        pytest.skip("no real IDL beside the checkout")
    return folder


@pytest.fixture(scope="session")
def shared_idl_bad() -> Path:
    """The folder of IDL files that are wrong, each with its expectation in its first line."""
    folder = SHARED / "idl-bad"
    if not folder.is_dir():
        pytest.skip("no wrong IDL beside the checkout")
    return folder


@pytest.fixture(scope="session")
def thrift_compiler() -> str:
    """The path of Apache's compiler."""
    compiler = shutil.which("thrift")
    if compiler is None:
        pytest.skip("no Apache Thrift compiler on the path")
    return compiler
