"""Makes the certificates of a run: an authority, and a server on this machine that it vouches for."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n"


class Certificates(NamedTuple):
    """Files of one authority."""

    authority: Path
    server: Path
    server_key: Path

    @property
    def for_clients(self) -> list[str]:
        """The arguments by which a client program learns whom to trust."""
        return ["--ca", str(self.authority)]

    @property
    def for_servers(self) -> list[str]:
        """The arguments by which a server program learns who it is."""
        return ["--cert", str(self.server), "--key", str(self.server_key)]


def make_certificates(folder: Path) -> Certificates:
    """Make them in a folder, valid for a day.

    Raises:
        OSError: There is no `openssl` here.
        CalledProcessError: It failed.
    """
    extensions = folder / "extensions"
    extensions.write_text(NAMES)
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    request, authority_key = str(folder / "server.csr"), str(folder / "authority.key")
    _openssl(
        *("req", "-x509", *key, "-days", "1", "-subj", "/CN=conformance authority"),
        *("-keyout", authority_key, "-out", str(made.authority)),
    )
    _openssl("req", *key, "-subj", "/CN=localhost", "-keyout", str(made.server_key), "-out", request)
    _openssl(
        *("x509", "-req", "-in", request, "-CA", str(made.authority), "-CAkey", authority_key, "-CAcreateserial"),
        *("-days", "1", "-extfile", str(extensions), "-out", str(made.server)),
    )
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)
