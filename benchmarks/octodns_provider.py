"""octodns-googlecloud, pointed at localcloud: only the address differs, nothing of what it does."""

from __future__ import annotations

from typing import Any

import google.cloud.dns  # type: ignore[import-untyped]  # noqa: TID253 - imported by octoDNS alone
from google.auth.credentials import AnonymousCredentials
from octodns_googlecloud import GoogleCloudProvider  # type: ignore[import-untyped]


class LocalcloudProvider(GoogleCloudProvider):  # type: ignore[misc]
    """Its client has no setting for an endpoint, so it gets one that has: anonymous, as all contenders are.

    :param endpoint: URL of the API.
    """

    def __init__(self, id: str, endpoint: str, project: str, **settings: Any) -> None:
        super().__init__(id, project=project, **settings)
        credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
        self.gcloud_client = google.cloud.dns.Client(
            project=project, credentials=credentials, client_options={"api_endpoint": endpoint}
        )
