"""A call that is refused before or after the emulator, in the error shape of its protocol."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from local_aws.gateway import Receive, Send
from local_aws.journal.requests import Request

STATUS = 507
"""Insufficient Storage: boto3 and Terraform retry 500, 502, 503 and 504, which would keep a person waiting."""
CODE = "InsufficientStorage"


async def refuse(request: Request, receive: Receive, send: Send, sentence: str) -> None:
    """Answer with an error. A client that waits for `100 Continue` is spared sending its body."""
    if "expect" not in request.headers:
        while (await receive()).get("more_body"):
            pass
    content_type, body = _shaped(request, sentence)
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", CODE.encode()),
    ]
    await send({"type": "http.response.start", "status": STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def _shaped(request: Request, sentence: str) -> tuple[str, bytes]:
    error = f"<Code>{CODE}</Code><Message>{escape(sentence)}</Message>"
    if request.protocol == "s3":
        return "application/xml", f"<Error>{error}</Error>".encode()
    if request.protocol == "query":
        return "text/xml", f"<ErrorResponse><Error><Type>Receiver</Type>{error}</Error></ErrorResponse>".encode()
    content_type = request.headers.get("content-type", "application/json")
    return content_type, json.dumps({"__type": CODE, "message": sentence}).encode()
