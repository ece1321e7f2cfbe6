"""CloudWatch's alarms in the Query protocol, where the emulator omits half of an alarm's fields.

Terraform speaks it. The emulator's JSON protocol has all fields, so these calls are asked in that, and answered in XML.
The metrics of an alarm on an expression it forgets in any protocol: they are kept here.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from local_aws.gateway import AsgiApp, Receive, Scope, Send, again, exchange_with, read_body
from local_aws.protocol import Document
from local_aws.signature import SIGNATURE, Signature
from local_aws.store import Store

METRICS = "cloudwatch_alarm_metrics"
"""Collection of the store: the metrics of an alarm, by `region/name`."""
_FORM = b"application/x-www-form-urlencoded"
_TARGET = "GraniteServiceVersion20100801"
_TRUTH = {"true": True, "false": False}


def mended(app: AsgiApp, store: Store) -> AsgiApp:
    """The application, which answers these actions in full."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        region = _region(scope)
        if not region:
            await app(scope, receive, send)
            return
        body = await read_body(receive)
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        if form.get("Action") not in _KEEPING:
            await app(scope, again(body, receive), send)
            return
        asked = _document(form)
        status, answer = await exchange_with(app, _as_json(scope, form["Action"]), json.dumps(asked).encode())
        document = json.loads(answer or b"{}")
        if status < 400:
            _KEEPING[form["Action"]](store, region, asked, document)
        await _send(send, status, _xml(form["Action"], status, document))

    return wrapped


def _put(store: Store, region: str, asked: Document, answer: Document) -> None:
    place = f"{region}/{asked['AlarmName']}"
    store.delete(METRICS, place)
    if asked.get("Metrics"):
        store.put(METRICS, place, {"Metrics": asked["Metrics"]})


def _described(store: Store, region: str, asked: Document, answer: Document) -> None:
    """An alarm on an expression has no metric of its own, for which the emulator has defaults."""
    for alarm in answer.get("MetricAlarms", []):
        if kept := store.get(METRICS, f"{region}/{alarm['AlarmName']}"):
            alarm |= kept
            for name in ("Period", "Statistic"):
                alarm.pop(name, None)


def _deleted(store: Store, region: str, asked: Document, answer: Document) -> None:
    for name in asked.get("AlarmNames", []):
        store.delete(METRICS, f"{region}/{name}")


_KEEPING = {"PutMetricAlarm": _put, "DescribeAlarms": _described, "DeleteAlarms": _deleted}


def _region(scope: Scope) -> str:
    """Of a call in the Query protocol; empty for any other."""
    signature: Signature | None = scope.get(SIGNATURE)
    if signature is None or signature.service != "monitoring":
        return ""
    headers = {name.lower(): value for name, value in scope["headers"]}
    return signature.scope[1] if headers.get(b"content-type", b"").startswith(_FORM) else ""


def _as_json(scope: Scope, action: str) -> Scope:
    replaced = {b"content-type": b"application/x-amz-json-1.0", b"x-amz-target": f"{_TARGET}.{action}".encode()}
    headers = [pair for pair in scope["headers"] if pair[0].lower() not in replaced]
    return {**scope, "headers": [*headers, *replaced.items()]}


def _document(form: dict[str, str]) -> Document:
    """Turn `Dimensions.member.1.Name=a` and the like into nested dicts and lists of texts and booleans."""
    root: Document = {}
    for path, value in form.items():
        *steps, last = re.sub(r"\.member\.", ".#", path).split(".")
        place = root
        for step in steps:
            place = place.setdefault(step, {})
        place[last] = _TRUTH.get(value, value)
    found: Document = _lists(root)
    return {name: value for name, value in found.items() if name not in ("Action", "Version")}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.startswith("#") for name in value):
        return [_lists(value[name]) for name in sorted(value, key=lambda name: int(name[1:]))]
    return {name: _lists(item) for name, item in value.items()}


def _xml(action: str, status: int, document: Document) -> str:
    if status >= 400:
        code = escape(str(document.get("__type", "InternalFailure")).rpartition("#")[2])
        message = escape(str(document.get("message") or document.get("Message") or ""))
        error = f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>"
        return f"<ErrorResponse><Error>{error}</Error><RequestId>local</RequestId></ErrorResponse>"
    result = f"<{action}Result>{_element(document)}</{action}Result>"
    end = "<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata>"
    return f'<{action}Response xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/">{result}{end}</{action}Response>'


def _element(value: Any) -> str:
    if isinstance(value, dict):
        fields = ((name, _time(name, item)) for name, item in value.items() if item is not None)
        return "".join(f"<{name}>{_element(item)}</{name}>" for name, item in fields)
    if isinstance(value, list):
        return "".join(f"<member>{_element(item)}</member>" for item in value)
    return escape(str(value).lower() if isinstance(value, bool) else str(value))


def _time(name: str, value: Any) -> Any:
    if name.endswith("Timestamp") and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    return value


async def _send(send: Send, status: int, text: str) -> None:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    headers = [(b"content-type", b"text/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
