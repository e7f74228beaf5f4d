"""Notices as CloudEvents 1.0 by the NL GOV profile, posted to a webhook and signed (RFC 9421, RFC 9530).

Structured JSON without data ("informatiearm"): `type` says what kind of thing there is, `dataref` where to look, `time`
when the node noted it. `id` is the same in every attempt, so a receiver that has seen it can drop it.
The signature covers the method, the address, the content's type and digest. By default it is Ed25519 under the node's
signing key, whose public half is in card.json; its base begins with a quotation mark, so it can't be mistaken for
anything of the protocol, which begins with a length. Redirects are not followed. Blocks: call it in a thread.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sluis_protocol.encoding import millis
from sluis_protocol.errors import KeyFileError
from sluis_runtime.keyfiles import read_secret

from .attempt import Failed
from .outbox import Delivery
from .settings import NotifySettings, WebhookSettings

TIMEOUT_SECONDS = 20.0
TYPE_PREFIX = "nl.sluis."
CONTENT_TYPE = "application/cloudevents+json; charset=UTF-8"
_COVERED = ("@method", "@target-uri", "content-type", "content-digest")
_NAMES = " ".join(f'"{name}"' for name in _COVERED)
_LEAST_SECRET = 32
_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class EventSigner:
    """Who signs events: an OIN and either its signing key or a webhook's shared secret."""

    oin: str
    key: Ed25519PrivateKey = field(repr=False)

    def headers(self, hook: WebhookSettings, content: bytes, now: datetime) -> dict[str, str]:
        """Content-Type, Content-Digest, Signature-Input and Signature of a POST to that webhook."""
        headers = {
            "content-type": CONTENT_TYPE,
            "content-digest": f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:",
        }
        algorithm = "hmac-sha256" if hook.secret else "ed25519"
        parameters = f'({_NAMES});created={millis(now) // 1000};keyid="{self.oin}";alg="{algorithm}";tag="sluis-notice"'
        base = signature_base("POST", hook.url, headers, parameters)
        signature = hmac.digest(read_shared_secret(hook.secret), base, "sha256") if hook.secret else self.key.sign(base)
        return headers | {
            "signature-input": f"sluis={parameters}",
            "signature": f"sluis=:{base64.b64encode(signature).decode()}:",
        }


def signature_base(method: str, url: str, headers: Mapping[str, str], parameters: str) -> bytes:
    """What is signed (RFC 9421, 2.5)."""
    values = {"@method": method, "@target-uri": url, **headers}
    lines = [f'"{name}": {values[name]}' for name in _COVERED]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def read_shared_secret(path: Path) -> bytes:
    """A webhook's shared secret: base64 of at least 32 bytes, in a file that only its owner reads."""
    try:
        secret = base64.b64decode(read_secret(path).strip(), validate=True)
    except ValueError as error:
        raise KeyFileError("a webhook's secret is not base64", file=path) from error
    if len(secret) < _LEAST_SECRET:
        raise KeyFileError(f"a webhook's secret has at least {_LEAST_SECRET} bytes", file=path)
    return secret


def event(delivery: Delivery, settings: NotifySettings, oin: str) -> dict[str, Any]:
    """The CloudEvent: attributes only, and for a dilemma its question."""
    found: dict[str, Any] = {
        "specversion": "1.0",
        "id": delivery.notice_id,
        "source": f"urn:nld:oin:{oin}:systeem:sluis",
        "type": TYPE_PREFIX + delivery.kind,
        "time": delivery.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    if link := settings.link(delivery.kind.page):
        found["dataref"] = link
    if delivery.text:
        found["data"] = {"question": delivery.text}
    return found


def post(
    delivery: Delivery,
    settings: NotifySettings,
    signer: EventSigner,
    now: datetime,
    *,
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """Post the event; raise Failed saying whether trying again can help (CloudEvents webhooks, 2.1.1)."""
    hook = next((one for one in settings.webhooks if one.name == delivery.target), None)
    if hook is None:
        raise Failed("no webhook of that name is configured any more", final=True)
    content = json.dumps(event(delivery, settings, signer.oin), ensure_ascii=False).encode()
    headers = signer.headers(hook, content, now)
    parts = urlsplit(hook.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = _connection(hook, timeout)
        try:
            connection.request("POST", path, content, headers)
            answer = connection.getresponse()
            status, after = answer.status, answer.getheader("retry-after", "")
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        raise Failed("the webhook's certificate doesn't verify", final=False) from error
    except (http.client.HTTPException, OSError, UnicodeError) as error:
        raise Failed(f"the webhook can't be reached ({type(error).__name__})", final=False) from error
    if 200 <= status < 300:
        return
    again = status >= 500 or status in _AGAIN
    pause = timedelta(seconds=int(after)) if after.isascii() and after.isdecimal() and len(after) < 7 else None
    raise Failed(f"the webhook answered {status}", final=not again, pause=pause)


def _connection(hook: WebhookSettings, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(hook.url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=timeout)
    context = ssl.create_default_context(cafile=str(hook.authorities) if hook.authorities else None)
    return http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=context)
