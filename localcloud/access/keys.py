"""Keys of service accounts: the file that a client signs with, of which only the public half stays here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from localcloud import assumptions
from localcloud.projects import project_number

_SUFFIX = ".iam.gserviceaccount.com"


@dataclass(frozen=True, slots=True)
class ServiceAccountKey:
    """`public_key` is PEM."""

    id: str
    email: str
    public_key: str


def account_project(email: str) -> str | None:
    """Return the project of a service account's address, or None where there is no such account.

    Every account of a well-formed address exists, but for names that begin with `NO_SUCH_ACCOUNT_PREFIX`.
    """
    name, at, domain = email.partition("@")
    project = domain.removesuffix(_SUFFIX)
    if not (name and at and project) or project == domain or name.startswith(assumptions.NO_SUCH_ACCOUNT_PREFIX):
        return None
    return project


def mint(email: str, *, base_url: str) -> tuple[ServiceAccountKey, dict[str, str]]:
    """A new key for an account, and its file as Google hands it out once, with localcloud as the place for tokens."""
    # Slow to import, and most runs mint no key.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = ServiceAccountKey(secrets.token_hex(20), email, public.decode())
    file = {
        "type": "service_account",
        "project_id": account_project(email) or "",
        "private_key_id": key.id,
        "private_key": pem.decode(),
        "client_email": email,
        "client_id": str(project_number(email)),
        "auth_uri": f"{base_url}/auth",
        "token_uri": f"{base_url}/token",
        "universe_domain": "googleapis.com",
    }
    return key, file
