"""Adapter ``http/client``: requests to one service, by httpx."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import Field, SecretStr

from oneiric_core.builtin.base import OWNER, Component, Settings
from oneiric_core.components import AdapterMetadata

__all__ = ["HttpClient", "HttpClientSettings"]


class HttpClientSettings(Settings):
    """Which service, and how it is spoken to."""

    base_url: str = Field(default="", pattern=r"^(https?://.*)?$", description="relative addresses start from here")
    headers: dict[str, str] = Field(default_factory=dict, description="sent with each request; not for secrets")
    bearer_token: SecretStr | None = Field(
        default=None, description="sent as Authorization: Bearer … to base_url alone"
    )
    timeout: float = Field(default=10.0, gt=0, le=600, description="seconds to connect, and between two pieces of data")
    follow_redirects: bool = False


class HttpClient(Component[HttpClientSettings]):
    """One pool of connections. Certificates are always verified; proxies from the environment are not used."""

    default_settings = HttpClientSettings
    metadata = AdapterMetadata(
        category="http",
        provider="client",
        factory="oneiric_core.builtin.adapters.http_client:HttpClient",
        description="Requests to one service over pooled connections",
        capabilities=["http"],
        owner=OWNER,
        requires_secrets=True,
        settings_model=HttpClientSettings,
    )

    def __init__(self, settings: HttpClientSettings | None = None) -> None:
        super().__init__(settings)
        self._client: httpx.AsyncClient | None = None

    async def init(self) -> None:
        settings = self._settings
        self._client = httpx.AsyncClient(
            base_url=settings.base_url,
            headers=settings.headers,
            timeout=settings.timeout,
            follow_redirects=settings.follow_redirects,
            auth=self._authorise,
            trust_env=False,
        )
        await super().init()

    async def cleanup(self) -> None:
        await super().cleanup()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request; the answer is read in full.

        :param options: those of :meth:`httpx.AsyncClient.request`.
        :raises httpx.HTTPError: it could not be sent, or no answer came. A status of 400 or more is an answer.
        """
        self._refuse_if_closed()
        if self._client is None:
            raise RuntimeError("HttpClient has no connections. Await init() first.")
        return await self._client.request(method, url, **options)

    async def get(self, url: str, *, params: Mapping[str, Any] | None = None) -> httpx.Response:
        """``GET``; raises as :meth:`request` does."""
        return await self.request("GET", url, params=params)

    async def post(self, url: str, *, json: Any = None) -> httpx.Response:
        """``POST`` with a JSON body; raises as :meth:`request` does."""
        return await self.request("POST", url, json=json)

    def _authorise(self, request: httpx.Request) -> httpx.Request:
        """The token goes to the origin it is for: neither an absolute address nor a redirect takes it elsewhere."""
        token, home = self._settings.bearer_token, httpx.URL(self._settings.base_url)
        if token is not None and (request.url.scheme, request.url.netloc) == (home.scheme, home.netloc):
            request.headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        return request
