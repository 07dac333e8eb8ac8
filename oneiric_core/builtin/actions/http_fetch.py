"""Action ``http.fetch``: one request, and what was answered, within limits."""

import asyncio
import base64
import json
from typing import Any, Final, Literal

import httpx
from pydantic import Field, JsonValue, TypeAdapter

from oneiric_core.builtin.base import OWNER, Action, Payload, Settings, described
from oneiric_core.components import ActionMetadata

__all__ = ["HttpFetch", "HttpFetchSettings"]

# Who is asked, as the server hears it, and how the request is framed (RFC 9110, 7.2 and 7.6.1; RFC 9112, 6).
_OURS: Final = frozenset(
    {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


class HttpFetchSettings(Settings):
    """Where requests may go, and how much may come back."""

    hosts: list[str] = Field(default_factory=list, description="the only hosts that may be asked; none: any")
    headers: dict[str, str] = Field(default_factory=dict, description="sent with each request; not for secrets")
    timeout: float = Field(default=10.0, gt=0, le=600, description="seconds for all of it")
    max_bytes: int = Field(default=8 << 20, ge=1, description="the longest answer")


class HttpFetchPayload(Payload):
    """What is asked of whom."""

    url: str = Field(pattern=r"^https?://[^/]+")
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: dict[str, str] = Field(default_factory=dict, description="none that speak for the connection, as Host")
    params: dict[str, str] = Field(default_factory=dict)
    json_body: JsonValue = Field(default=None, description="sent as JSON, if there is one")


class HttpFetch(Action[HttpFetchSettings, HttpFetchPayload]):
    """An answer of any status is an answer. So are redirects: whoever wants to follow one decides where to."""

    default_settings = HttpFetchSettings
    payloads = TypeAdapter(HttpFetchPayload)
    metadata = ActionMetadata(
        key="http.fetch",
        provider="httpx",
        factory="oneiric_core.builtin.actions.http_fetch:HttpFetch",
        description="One request over HTTP, and what was answered",
        capabilities=[described("fetch", HttpFetchPayload)],
        owner=OWNER,
        settings_model=HttpFetchSettings,
        timeout_seconds=600.0,
    )

    def __init__(self, settings: HttpFetchSettings | None = None) -> None:
        super().__init__(settings)
        self._client: httpx.AsyncClient | None = None

    async def init(self) -> None:
        self._client = httpx.AsyncClient(
            headers={**self._settings.headers, "Accept-Encoding": "identity"},
            timeout=self._settings.timeout,
            trust_env=False,
        )
        await super().init()

    async def cleanup(self) -> None:
        await super().cleanup()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def act(self, payload: HttpFetchPayload) -> dict[str, Any]:
        """``{status, headers, text | data, json}``: ``data`` is base64, where the answer is no text in its charset.

        :raises ValueError: the host may not be asked, a header may not be sent, or the answer is too long.
        :raises httpx.HTTPError: there is no answer.
        :raises TimeoutError: it did not come in time.
        """
        try:
            url = httpx.URL(payload.url, params=payload.params or None)
        except httpx.InvalidURL as error:
            raise ValueError(f"{payload.url!r} is no address: {error}") from error
        if self._settings.hosts and url.host not in self._settings.hosts:
            raise ValueError(f"{url.host} may not be asked. Add it to the hosts of the settings, if it should.")
        for name in payload.headers:
            if name.lower() in _OURS or name.lower().startswith("proxy-"):
                raise ValueError(f"the header {name[:40]!r} may not be sent. Leave it out: it is the connection's own.")
        client = self._client
        if client is None:
            raise RuntimeError("HttpFetch has no connections. Await init() first.")
        request = client.build_request(payload.method, url, headers=payload.headers, json=payload.json_body)
        async with asyncio.timeout(self._settings.timeout):
            answer = await client.send(request, stream=True)
            try:
                content = await self._content(answer)
            finally:
                await answer.aclose()
        shown = {"status": answer.status_code, "headers": dict(answer.headers)}
        return shown | _told(content, answer.charset_encoding or "utf-8", answer.headers.get("content-type", ""))

    async def _content(self, answer: httpx.Response) -> bytes:
        coding = answer.headers.get("content-encoding", "identity")
        if coding != "identity":
            raise ValueError(f"the answer is compressed ({coding}) although nobody asked for that. Ask another server.")
        pieces, total = [], 0
        async for piece in answer.aiter_bytes():
            total += len(piece)
            if total > self._settings.max_bytes:
                raise ValueError(f"the answer has more than {self._settings.max_bytes} bytes. Raise max_bytes.")
            pieces.append(piece)
        return b"".join(pieces)


def _told(content: bytes, charset: str, content_type: str) -> dict[str, Any]:
    try:
        text = content.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return {"data": base64.b64encode(content).decode("ascii")}
    if "json" not in content_type:
        return {"text": text}
    try:
        return {"text": text, "json": json.loads(text)}
    except (ValueError, RecursionError):  # it says that it is JSON, and is not: the text is all there is
        return {"text": text}
