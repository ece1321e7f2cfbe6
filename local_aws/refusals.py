"""AWS's error responses, for requests that are refused or fail on purpose, in the protocol of the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from xml.sax.saxutils import escape

from local_aws import cbor
from local_aws.gateway import Send
from local_aws.signature import Refused, Request

Answer = tuple[int, str, bytes]
"""Status, content type, body."""

_S3 = {
    "missing": (403, "AccessDenied"),
    "unknown": (403, "InvalidAccessKeyId"),
    "mismatch": (403, "SignatureDoesNotMatch"),
    "skewed": (403, "RequestTimeTooSkewed"),
    "expired": (403, "AccessDenied"),
    "malformed": (400, "AuthorizationHeaderMalformed"),
    "old": (400, "InvalidRequest"),
    "argument": (400, "InvalidArgument"),
    "unreadable": (400, "MalformedXML"),
    "token": (400, "InvalidToken"),
    "body": (400, "XAmzContentSHA256Mismatch"),
    "large": (400, "EntityTooLarge"),
    "late": (400, "ExpiredToken"),
    "throttled": (503, "SlowDown"),
    "failed": (500, "InternalError"),
    "lost": (503, "ServiceUnavailable"),
    "taken": (409, "BucketAlreadyExists"),
}
_JSON = {
    "missing": (400, "MissingAuthenticationTokenException"),
    "unknown": (400, "UnrecognizedClientException"),
    "mismatch": (400, "InvalidSignatureException"),
    "skewed": (400, "InvalidSignatureException"),
    "expired": (400, "InvalidSignatureException"),
    "malformed": (400, "IncompleteSignatureException"),
    "token": (400, "ExpiredTokenException"),
    "body": (400, "InvalidSignatureException"),
    "large": (413, "RequestEntityTooLargeException"),
    "unauthorized": (400, "AccessDeniedException"),
    "absent": (400, "UnknownOperationException"),
    "argument": (400, "ValidationException"),
    "unreadable": (400, "SerializationException"),
    "late": (400, "ExpiredTokenException"),
    "throttled": (400, "ThrottlingException"),
    "failed": (500, "InternalFailure"),
    "lost": (504, "RequestTimeout"),
}
_QUERY = {
    "missing": (403, "MissingAuthenticationToken"),
    "unknown": (403, "InvalidClientTokenId"),
    "mismatch": (403, "SignatureDoesNotMatch"),
    "skewed": (403, "SignatureDoesNotMatch"),
    "expired": (403, "SignatureDoesNotMatch"),
    "malformed": (400, "IncompleteSignature"),
    "token": (403, "ExpiredToken"),
    "body": (403, "SignatureDoesNotMatch"),
    "large": (413, "RequestEntityTooLarge"),
    "absent": (400, "InvalidAction"),
    "argument": (400, "MalformedQueryString"),
    "unreadable": (400, "MalformedQueryString"),
    "identity": (400, "InvalidIdentityToken"),
    "late": (403, "ExpiredToken"),
    "throttled": (400, "Throttling"),
    "failed": (500, "InternalFailure"),
    "lost": (504, "RequestTimeout"),
}
_REST = {"absent": 404, "argument": 400, "unreadable": 400, "throttled": 429, "failed": 500, "lost": 504}
"""The status of REST's JSON, where it is not 403; the codes are those of JSON."""

_XML = ("cloudfront", "route53")


async def refuse(send: Send, request: Request, service: str, refused: Refused) -> None:
    """Send the response. A HEAD has no body to say it in."""
    status, kind, body = answer(request, service, refused)
    body = b"" if request.method == "HEAD" else body
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def answer(request: Request, service: str, refused: Refused) -> Answer:
    """Return the response for the client. `service` is that of the signature's scope; empty if there is none."""
    return _protocol(request, service)(refused)


def _protocol(request: Request, service: str) -> Callable[[Refused], Answer]:
    kind = request.header("content-type")
    if request.header("smithy-protocol") == "rpc-v2-cbor":
        return _cbor
    if request.header("x-amz-target") or kind.startswith("application/x-amz-json"):
        return _json
    if service in _XML or kind.startswith("application/x-www-form-urlencoded") or "Action=" in request.query:
        return _query
    return _s3 if service in ("", "s3") else _rest_json


def _s3(refused: Refused) -> Answer:
    status, code = _S3.get(refused.kind, (403, "AccessDenied"))
    return status, "application/xml", _xml(f"<Error>{_code(code, refused)}</Error>")


def _query(refused: Refused) -> Answer:
    status, code = _QUERY.get(refused.kind, (403, "AccessDenied"))
    error = f"<Error><Type>{'Sender' if status < 500 else 'Receiver'}</Type>{_code(code, refused)}</Error>"
    return status, "text/xml", _xml(f"<ErrorResponse>{error}</ErrorResponse>")


def _json(refused: Refused) -> Answer:
    status, code = _JSON.get(refused.kind, (403, "AccessDeniedException"))
    document = {"__type": code, "message": refused.message}
    return status, "application/x-amz-json-1.1", json.dumps(document).encode()


def _rest_json(refused: Refused) -> Answer:
    return _REST.get(refused.kind, 403), "application/json", _json(refused)[2]


def _cbor(refused: Refused) -> Answer:
    status, code = _JSON.get(refused.kind, (403, "AccessDeniedException"))
    return status, "application/cbor", cbor.dumps({"__type": code, "message": refused.message})


def _code(code: str, refused: Refused) -> str:
    return f"<Code>{code}</Code><Message>{escape(refused.message)}</Message>"


def _xml(text: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
