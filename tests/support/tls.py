"""A certificate authority of the tests' own, made with the `openssl` command."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.tools import missing, needs

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


@dataclass(frozen=True)
class Authority:
    """A CA: `file` is its certificate, and `server` presents one that it has signed."""

    file: Path
    server: ssl.SSLContext
    elsewhere: ssl.SSLContext
    """Presents a certificate for another host name."""


def make_authority(folder: Path) -> Authority:
    """Make a CA and two certificates in a folder."""
    command = needs("openssl")
    ca = _certificate(command, folder, "ca", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    signed = ("-CA", str(ca), "-CAkey", str(ca), "-addext", "basicConstraints=critical,CA:FALSE")
    names = {"server": "IP:127.0.0.1,IP:::1,DNS:localhost", "elsewhere": "DNS:elsewhere.example"}
    contexts = {}
    for name, hosts in names.items():
        file = _certificate(command, folder, name, *signed, "-addext", f"subjectAltName={hosts}")
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(file)
    return Authority(ca, **contexts)


def _certificate(command: str, folder: Path, name: str, *more: str) -> Path:
    """Make a key and a certificate, both in one file."""
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    parts = ("-x509", *_KEY, "-subj", f"/CN={name} of the tests", *more)
    done = subprocess.run(
        [command, "req", *parts, "-keyout", str(key), "-out", str(file)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode:
        missing(f"openssl cannot make a certificate: {done.stderr.strip()[:200]}")
    file.write_text(key.read_text("ascii") + file.read_text("ascii"), "ascii")
    return file
