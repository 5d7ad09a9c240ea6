"""A Kerberos realm for tests: a key distribution centre of its own, with MIT's commands, in one folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import IO

REALM = "EXAMPLE.ORG"
COMMANDS = ["krb5kdc", "kdb5_util", "kadmin.local", "kinit"]
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])

CLIENT = """
[libdefaults]
    default_realm = {realm}
    default_keytab_name = FILE:{folder}/no.keytab
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
"""
SERVER = """
[kdcdefaults]
    kdc_listen = ""
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principals
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
        max_life = 1h
    }}
"""


def missing() -> list[str]:
    """Return the commands that a realm needs and that are not there."""
    return [command for command in COMMANDS if shutil.which(command, path=PATH) is None]


class Realm:
    """A realm, served from its making until it is stopped. `environment` is what makes a process live in it.

    Args:
        folder: Where its files are to lie.
        users: The principals that keep tickets, each in a cache of its own.
        services: The principals of servers, whose keys lie in a keytab each.
    """

    def __init__(self, folder: Path, users: list[str], services: list[str]) -> None:
        self._folder = folder
        self._kdc: subprocess.Popen[bytes] | None = None
        self.environment = {
            "KRB5_CONFIG": f"{folder}/krb5.conf",
            "KRB5_KDC_PROFILE": f"{folder}/kdc.conf",
            "KRB5CCNAME": f"FILE:{folder}/no.cache",
            "KRB5RCACHENAME": f"file2:{folder}/replays",
        }
        self._write(port=1)  # nothing of the database needs it
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        # The keys of a user are in a keytab, too, so that nobody has to type a password.
        orders = [f"addprinc -randkey {name}\nktadd -k {self.keytab(name)} {name}" for name in users + services]
        self._run("kadmin.local", "-r", REALM, text="\n".join([*orders, "quit", ""]))
        try:
            self._start()
            for user in users:
                self._run("kinit", "-c", self.cache(user), "-k", "-t", str(self.keytab(user)), user)
        except BaseException:
            self.stop()
            raise

    def keytab(self, name: str) -> Path:
        """Where the keys of a principal lie."""
        return self._folder / f"{name.replace('/', '.')}.keytab"

    def cache(self, user: str) -> str:
        """Where the tickets of a user lie, as `KRB5CCNAME` says it."""
        return f"FILE:{self._folder}/{user}.cache"

    def stop(self) -> None:
        """Stop serving."""
        if self._kdc is not None:
            self._kdc.kill()
            self._kdc.wait()
            self._kdc = None

    def _write(self, port: int) -> None:
        (self._folder / "krb5.conf").write_text(CLIENT.format(realm=REALM, folder=self._folder, port=port))
        (self._folder / "kdc.conf").write_text(SERVER.format(realm=REALM, folder=self._folder, port=port))

    def _start(self) -> None:
        """Start at a port that is free; another process may take it first, so that is tried again."""
        log = self._folder / "kdc.log"
        for _ in range(10):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            self._write(port)
            with log.open("wb") as output:
                self._kdc = self._serve(output)
            if self._is_up(port):
                return
            self.stop()
        raise RuntimeError(f"the KDC does not start: {log.read_text(errors='replace')}")

    def _serve(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        command = shutil.which("krb5kdc", path=PATH) or "krb5kdc"
        return subprocess.Popen([command, "-n"], env=self._environ(), stdout=output, stderr=output)

    def _is_up(self, port: int) -> bool:
        deadline = time.monotonic() + 30
        while self._kdc is not None and self._kdc.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self._kdc.poll() is None
        return False

    def _environ(self) -> dict[str, str]:
        return {**os.environ, "PATH": PATH, **self.environment}

    def _run(self, *command: str, text: str = "") -> None:
        done = subprocess.run(
            command, check=False, env=self._environ(), input=text, capture_output=True, text=True, timeout=120
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
