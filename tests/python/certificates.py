"""Certificates for tests, made with OpenSSL's command: a CA, and what it signs."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path


def openssl(folder: Path, *arguments: str) -> None:
    """Run OpenSSL in a folder."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


class Authority:
    """A certificate authority whose files are in one folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.name = name
        self.file = folder / f"{name}.pem"
        request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
        files = ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN=Test {name}"]
        openssl(folder, *request, *files, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(
        self,
        name: str,
        names: str = "DNS:localhost,IP:127.0.0.1,IP:::1",
        usage: str = "serverAuth",
        days: int = 10,
    ) -> tuple[Path, Path]:
        """Sign a certificate and return the paths of it and of its key; after 0 days it has expired."""
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
        openssl(self.folder, "req", "-new", *key, "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / f"{name}.ext").write_text(
            f"subjectAltName={names}\nextendedKeyUsage={usage}\nbasicConstraints=critical,CA:FALSE\n"
        )
        sign = ["x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key"]
        out = ["-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.pem"]
        openssl(self.folder, *sign, *out, "-days", str(days))
        if days == 0:
            time.sleep(1.1)  # the times of certificates are whole seconds
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"
