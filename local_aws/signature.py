"""Checks AWS Signature Version 4: who signed a request, and whether it is unchanged.

botocore, which signs most requests, computes the signature.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache, reduce
from typing import Any
from urllib.parse import parse_qsl, quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SKEW = timedelta(minutes=15)
LONGEST = timedelta(days=7)
"""The maximum validity of a presigned URL."""
_TIME = "%Y%m%dT%H%M%SZ"
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_PART = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s=]+)")
_S3 = ("s3", "s3-object-lambda", "s3-outposts", "s3express")
_SINGLE = ("authorization", "content-type", "smithy-protocol")
"""Headers that may come once only, as those of AWS may, but for an object's metadata."""
SIGNATURE = "local_aws.signature"
"""Under this name, the scope of a request has its `Signature`: the door has checked it, and nobody reads it again."""


class Refused(Exception):
    """The reason that a request is refused; `local_aws.refusals` maps `kind` to an error code."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class Request:
    """A request exactly as received. `headers` are lower-case names with their values, in order."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Request:
        """Build it from an ASGI scope."""
        path = scope.get("raw_path") or quote(scope["path"]).encode()
        headers = [(name.decode("latin-1").lower(), _text(value)) for name, value in scope["headers"]]
        return cls(scope["method"], path.decode("latin-1"), scope["query_string"].decode("latin-1"), headers)

    @cached_property
    def values(self) -> dict[str, list[str]]:
        """Return all values of each header."""
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name, []).append(value)
        return found

    def header(self, name: str) -> str:
        """Return the first value of a header; empty if it is missing."""
        return self.values.get(name, [""])[0]

    @cached_property
    def parameters(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True, errors="surrogateescape")


@dataclass(frozen=True)
class Signature:
    """The signature fields of a request.

    Attributes:
        payload: the signed hash of the body: its SHA-256 in hex, `UNSIGNED-PAYLOAD`, `STREAMING-...`; if empty, the
            request does not state it, and the SHA-256 of the received body counts.
        valid: how long after `time` it is valid; None in a header, where `SKEW` applies.
    """

    key: str
    scope: tuple[str, str, str]
    """(date, region, service)"""
    time: datetime
    signed: tuple[str, ...]
    value: str
    payload: str
    token: str
    valid: timedelta | None = None

    @property
    def service(self) -> str:
        return self.scope[2]

    @property
    def timestamp(self) -> str:
        return self.time.strftime(_TIME)

    @property
    def in_s3(self) -> bool:
        return self.service in _S3


def signature_of(request: Request) -> Signature:
    """Raises Refused if there is no signature, AWS does not accept its form, or a part of it is given twice."""
    _check_single(request)
    parameters = dict(request.parameters)
    if any(name.lower() in ("x-amz-signature", "x-amz-credential") for name in parameters):
        if request.header("authorization"):
            raise Refused("old", "only one signature is accepted: in the query, or in the Authorization header")
        return _of_query(request, parameters)
    if "AWSAccessKeyId" in parameters or request.header("authorization").startswith("AWS "):
        raise Refused("old", f"Signature Version 2 is not accepted: sign with {ALGORITHM} (s3v4)")
    if not request.header("authorization"):
        raise Refused("missing", "the request is not signed")
    return _of_header(request)


def check(request: Request, signature: Signature, secret: str, body_hash: str) -> None:
    """Compare the signature with the one that the secret gives. Raises Refused.

    Args:
        body_hash: SHA-256 of the body in hex, used if the request does not state what was signed.
    """
    signer = (_S3Signer if signature.in_s3 else _Signer)(request, signature, secret, body_hash)
    url = "http://host" + request.path.replace("#", "%23")
    parameters: Any = [pair for pair in request.parameters if pair[0] != "X-Amz-Signature"]
    sent = AWSRequest(method=request.method, url=url, params=parameters)
    sent.context["timestamp"] = signature.timestamp
    try:
        computed = signer.signature(signer.string_to_sign(sent, signer.canonical_request(sent)), sent)
    except UnicodeEncodeError:  # no AWS client signs text that is not UTF-8
        computed = ""
    if not hmac.compare_digest(computed.encode(), signature.value.encode()):
        message = "The signature we calculated does not match the one given: another secret key, or a changed request"
        raise Refused("mismatch", message)


def check_time(signature: Signature, now: datetime) -> None:
    """Raises Refused if the signature is too old or in the future."""
    if signature.valid is None:
        if abs(now - signature.time) > SKEW:
            raise Refused("skewed", f"signed at {signature.time:{_TIME}}, and it is {now:{_TIME}}: set the clock")
    elif now < signature.time - SKEW:
        raise Refused("denied", "Request is not yet valid")
    elif now > signature.time + signature.valid:
        raise Refused("expired", "Request has expired")


def check_headers(request: Request, signature: Signature) -> None:
    """Check that the host and all AWS headers are signed: otherwise a URL for one thing could be used for another."""
    needed = {"host", *(name for name, _ in request.headers if name.startswith("x-amz-"))}
    if unsigned := sorted(needed - set(signature.signed) - {"x-amz-content-sha256"}):
        raise Refused("denied", f"There were headers present in the request which were not signed: {unsigned}")


@lru_cache(maxsize=256)
def signing_key(secret: str, scope: tuple[str, str, str]) -> bytes:
    """Return the key of one day, region and service."""
    words = (*scope, "aws4_request")
    return reduce(lambda key, word: hmac.digest(key, word.encode(), "sha256"), words, f"AWS4{secret}".encode())


class _Headers(dict[str, list[str]]):
    """The part of a headers object that botocore uses."""

    get_all = dict.get


class _Given:
    """Signs what the request says was signed, instead of what botocore would choose."""

    def __init__(self, request: Request, signature: Signature, secret: str, body_hash: str) -> None:
        _, region, service = signature.scope
        super().__init__(Credentials(signature.key, secret), service, region)  # type: ignore[call-arg]
        self._secret, self._scope, self._payload = secret, signature.scope, signature.payload or body_hash
        signed = set(signature.signed)
        self._headers = _Headers((name, values) for name, values in request.values.items() if name in signed)

    def headers_to_sign(self, request: Any) -> Any:
        return self._headers

    def payload(self, request: Any) -> str:
        return self._payload

    def signature(self, string_to_sign: str, request: Any) -> str:
        key = signing_key(self._secret, self._scope)
        return hmac.digest(key, string_to_sign.encode(), "sha256").hex()


class _Signer(_Given, SigV4Auth):
    pass


class _S3Signer(_Given, S3SigV4Auth):
    pass


def _of_query(request: Request, parameters: Mapping[str, str]) -> Signature:
    try:
        seconds = int(parameters["X-Amz-Expires"])
        if parameters["X-Amz-Algorithm"] != ALGORITHM or not 1 <= seconds <= LONGEST.total_seconds():
            raise ValueError
        key, scope = _credential(parameters["X-Amz-Credential"])
        given = parameters.get("X-Amz-Content-Sha256") or request.header("x-amz-content-sha256")
        return Signature(
            key, scope, _in_scope(parameters["X-Amz-Date"], scope),
            tuple(parameters["X-Amz-SignedHeaders"].split(";")), parameters["X-Amz-Signature"],
            given or (UNSIGNED if scope[2] in _S3 else ""),
            parameters.get("X-Amz-Security-Token", ""), timedelta(seconds=seconds),
        )  # fmt: skip
    except (KeyError, ValueError):
        message = f"the presigned URL lacks a parameter, or has one AWS does not accept: {ALGORITHM}, at most 7 days"
        raise Refused("malformed", message) from None


def _of_header(request: Request) -> Signature:
    algorithm, _, rest = request.header("authorization").partition(" ")
    try:
        if algorithm != ALGORITHM:
            raise ValueError
        parts = _parts(rest)
        key, scope = _credential(parts["Credential"])
        time = _in_scope(request.header("x-amz-date") or request.header("date"), scope)
        payload, token = (request.header(f"x-amz-{name}") for name in ("content-sha256", "security-token"))
        signed = tuple(parts["SignedHeaders"].split(";"))
        return Signature(key, scope, time, signed, parts["Signature"], payload, token)
    except (KeyError, ValueError):
        message = f"the Authorization header is not one of {ALGORITHM}, or its date is not the request's"
        raise Refused("malformed", message) from None


def _parts(text: str) -> dict[str, str]:
    """The three parts of a header, each of them once. Raises ValueError."""
    found = [_PART.fullmatch(part) for part in re.split(r"[,\s]+", text.strip())]
    parts = {part[1]: part[2] for part in found if part}
    if len(parts) != len(found):
        raise ValueError
    return parts


def _check_single(request: Request) -> None:
    """Raises Refused where another reader of the request could take another value than this one."""
    headers = [name for name, _ in request.headers if name in _SINGLE or _is_of_aws(name)]
    parameters = [name.lower() for name, _ in request.parameters if _is_of_aws(name.lower())]
    check_once("header", headers)
    check_once("parameter", parameters)


def check_once(kind: str, names: Sequence[str]) -> None:
    """Raises Refused for names that come more than once."""
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise Refused("argument", f"the request has the {kind} {', '.join(twice)} more than once: give it once")


def _is_of_aws(name: str) -> bool:
    return name.startswith("x-amz-") and not name.startswith("x-amz-meta-")


def _credential(text: str) -> tuple[str, tuple[str, str, str]]:
    key, date, region, service, end = text.rsplit("/", 4)
    if end != "aws4_request":
        raise ValueError
    return key, (date, region, service)


def _in_scope(text: str, scope: tuple[str, str, str]) -> datetime:
    if _STAMP.fullmatch(text):
        time, day = datetime.fromisoformat(text), text[:8]
    else:
        time = parsedate_to_datetime(text).astimezone(UTC)
        day = time.strftime("%Y%m%d")
    if day != scope[0]:
        raise ValueError
    return time


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
