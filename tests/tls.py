"""TLS in front of a plain HTTP server, for clients that know no other way."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def write_certificate(directory: Path, host: str) -> Path:
    """A certificate for a name or an IP address that vouches for itself, and behind it its key, as PEM."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.SubjectAlternativeName([_general_name(host)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(subject, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = directory / f"{host}.pem"
    path.write_bytes(
        certificate.public_bytes(pem)
        + private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@contextmanager
def tls_front(api: str, certificate: Path, *, as_proxy: bool = False) -> Iterator[str]:
    """`HOST:PORT` of a listener that ends TLS and hands the bytes on to `api`, an http:// URL.

    :param as_proxy: TLS begins behind a CONNECT to whatever host: what was meant for it comes to `api`.
    """
    host, port = api.removeprefix("http://").rsplit(":", 1)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    front = _Front(context, (host, int(port)), as_proxy)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=front.accept, args=(listener,), daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class _Front:
    context: ssl.SSLContext
    target: tuple[str, int]
    as_proxy: bool

    def accept(self, listener: socket.socket) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.hand_on, args=(plain,), daemon=True).start()

    def hand_on(self, plain: socket.socket) -> None:
        try:
            if self.as_proxy:
                _answer_connect(plain)
            with (
                self.context.wrap_socket(plain, server_side=True) as client,
                socket.create_connection(self.target) as server,
            ):
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join()
        except OSError:
            return  # whoever had asked has gone


def _answer_connect(plain: socket.socket) -> None:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += plain.recv(1)
    plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
