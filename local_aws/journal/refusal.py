"""Refuses a call before or after the emulator, in the error format of its protocol."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from local_aws.gateway import Receive, Send
from local_aws.journal.requests import Request
from local_aws.protocol import AwsError


async def refuse(request: Request, receive: Receive, send: Send, error: AwsError) -> None:
    """Answer with an error. A client that waits for `100 Continue` does not send its body."""
    if "expect" not in request.headers:
        while (await receive()).get("more_body"):
            pass
    content_type, body = _shaped(request, error)
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-errortype", error.code.encode()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


def _shaped(request: Request, error: AwsError) -> tuple[str, bytes]:
    error_xml = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    if request.protocol == "s3":
        return "application/xml", f"<Error>{error_xml}</Error>".encode()
    if request.protocol == "query":
        return "text/xml", f"<ErrorResponse><Error><Type>Receiver</Type>{error_xml}</Error></ErrorResponse>".encode()
    content_type = request.headers.get("content-type", "application/json")
    return content_type, json.dumps({"__type": error.code, "message": error.message}).encode()
