"""Access control: what is refused, in the format of its protocol, and without any effect."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local_aws.bodies import STREAMED, STREAMED_WITH_TRAILER, body_of
from local_aws.credentials import Keys
from local_aws.signature import Refused, Signature, check_time, signing_key
from tests.embedded import client, keys_of
from tests.local_aws.strangers import refusal, sent, stranger


@pytest.mark.parametrize(
    ("service", "unsigned", "unknown", "wrong"),
    [
        ("s3", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        ("glue", "MissingAuthenticationTokenException", "UnrecognizedClientException", "InvalidSignatureException"),
        ("iam", "MissingAuthenticationToken", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("lambda", "403", "UnrecognizedClientException", "InvalidSignatureException"),
        (
            "cloudwatch",
            "MissingAuthenticationTokenException",
            "UnrecognizedClientException",
            "InvalidSignatureException",
        ),
        ("route53", "AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ],
)
def test_an_unsigned_call_an_unknown_key_and_a_wrong_secret_are_refused_as_aws_does(
    endpoint: str, service: str, unsigned: str, unknown: str, wrong: str
) -> None:
    assert refusal(service, endpoint, None) == unsigned
    assert refusal(service, endpoint, Keys("AKIAIOSFODNN7EXAMPLE", "x")) == unknown
    assert refusal(service, endpoint, Keys(keys_of(endpoint).id, "x")) == wrong
    assert "stranger" not in str(client("s3", endpoint).list_buckets()["Buckets"])
    assert "stranger" not in str(client("glue", endpoint).get_databases()["DatabaseList"])
    assert "stranger" not in str(client("iam", endpoint).list_users()["Users"])


def test_the_error_for_an_unknown_key_names_the_key_file(endpoint: str) -> None:
    with pytest.raises(ClientError, match=r"its own keys are in .*/aws/credentials"):
        stranger("glue", endpoint, Keys("AKIAIOSFODNN7EXAMPLE", "x")).get_databases()


def signed(
    endpoint: str, method: str, path: str, headers: dict[str, str], body: bytes = b"", service: str = "glue"
) -> dict[str, str]:
    """Return the headers of a request signed with the right keys, whatever else they say."""
    keys = keys_of(endpoint)
    request = AWSRequest(method, f"{endpoint}{path}", headers=headers, data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(keys.id, keys.secret), service, "us-east-1").add_auth(request)
    return dict(request.headers.items())


JSON_CALL = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.GetDatabases"}
QUERY_CALL = {"Content-Type": "application/x-www-form-urlencoded"}
PLACES = {
    "s3": ("GET", "/", {}, b"", "s3"),
    "glue": ("POST", "/", JSON_CALL, b"{}", "glue"),
    "sts": ("POST", "/", QUERY_CALL, b"Action=GetCallerIdentity&Version=2011-06-15", "sts"),
}
"""A call in the S3, the JSON and the query protocol."""


@pytest.mark.parametrize("call", PLACES)
@pytest.mark.parametrize(
    "foreign",
    [
        {"Host": "evil.example:PORT"},
        {"Host": "127.0.0.1"},
        {"Host": "bucket.localhost:PORT"},
        {"Host": "[::1]:PORT"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:8888"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_another_host_name_or_origin_is_refused_despite_a_valid_signature(
    endpoint: str, call: str, foreign: dict[str, str]
) -> None:
    method, path, headers, body, service = PLACES[call]
    port = str(urlsplit(endpoint).port)
    headers = headers | {name: value.replace("PORT", port) for name, value in foreign.items()}
    status, told, answer = sent(endpoint, method, path, signed(endpoint, method, path, headers, body, service), body)
    assert (status, b"AccessDenied" in answer) == (403, True)
    assert "access-control" not in told


@pytest.mark.parametrize("call", PLACES)
def test_its_own_host_name_is_answered_without_cors_headers(endpoint: str, call: str) -> None:
    method, path, headers, body, service = PLACES[call]
    for name in ("127.0.0.1", "localhost"):
        place = f"{name}:{urlsplit(endpoint).port}"
        own = headers | {"Host": place, "Origin": f"http://{place}"}
        status, told, _ = sent(endpoint, method, path, signed(endpoint, method, path, own, body, service), body)
        assert status == 200
        assert "access-control" not in told


def test_a_preflight_is_refused(endpoint: str) -> None:
    asked = {"Origin": endpoint, "Access-Control-Request-Method": "PUT"}
    status, told, _ = sent(endpoint, "OPTIONS", "/bucket/key", asked)
    assert status == 403
    assert "access-control" not in told


def test_only_health_is_answered_unsigned(endpoint: str) -> None:
    assert sent(endpoint, "GET", "/_ministack/health", {})[0] == 200
    assert sent(endpoint, "GET", "/_ministack/health", {"Host": "evil.example"})[0] == 403
    assert sent(endpoint, "GET", "/_ministack/health", {"Origin": "http://evil.example"})[0] == 403
    for method, path in (("POST", "/_ministack/reset"), ("GET", "/_local/store"), ("GET", "/latest/meta-data/")):
        assert sent(endpoint, method, path, {})[0] == 403


@pytest.mark.parametrize(
    ("service", "target", "query"), [("glue", "AWSGlue.ListDataQualityRulesets", ""), ("iam", "", "?Action=ListUsers")]
)
def test_a_health_request_with_the_headers_of_a_call_is_still_health(
    endpoint: str, service: str, target: str, query: str
) -> None:
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/{service}/aws4_request",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": target,
    }
    status, _, body = sent(endpoint, "GET", f"/_ministack/health{query}", headers, b"{}")
    assert (status, "services" in json.loads(body)) == (200, True)


def test_a_websocket_is_refused(endpoint: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert sent(endpoint, "GET", "/_aws/execute-api/a/b", headers)[0] == 403


@pytest.fixture(scope="module")
def bucket(endpoint: str) -> str:
    client("s3", endpoint).create_bucket(Bucket="at-the-door")
    return "at-the-door"


@pytest.mark.parametrize("key", ["plain", "a b/+ü&=~?#;x.txt", "x//y", "%2F", "日本"])
def test_keys_with_any_characters_are_signed_by_header_and_by_url(endpoint: str, bucket: str, key: str) -> None:
    s3, keys = client("s3", endpoint), keys_of(endpoint)
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1
    url = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=keys.id,
        aws_secret_access_key=keys.secret,
        config=Config(signature_version="s3v4"),
    ).generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
    assert urlopen(url).read() == key.encode()
    with pytest.raises(HTTPError, match="403"):
        urlopen(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"))
    with pytest.raises(HTTPError, match="403"):
        urlopen(Request(url, headers={"x-amz-copy-source": "/at-the-door/plain"}))
    with pytest.raises(HTTPError, match="40"):
        urlopen(
            Request(url, headers={"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/iam/aws4_request"})
        )


def test_an_upload_that_differs_from_its_signature_is_not_stored(endpoint: str, bucket: str) -> None:
    body = b"x" * 300_000
    headers = signed(endpoint, "PUT", f"/{bucket}/other", {}, body, "s3")
    status, _, answer = sent(endpoint, "PUT", f"/{bucket}/other", headers, body[:-1] + b"y")
    assert (status, b"XAmzContentSHA256Mismatch" in answer) == (400, True)
    assert "other" not in [entry["Key"] for entry in client("s3", endpoint).list_objects_v2(Bucket=bucket)["Contents"]]
    assert sent(endpoint, "PUT", f"/{bucket}/other", headers, body)[0] == 200


def test_a_call_whose_body_differs_from_its_signature_is_refused(endpoint: str) -> None:
    headers = signed(endpoint, "POST", "/", JSON_CALL, b"{}")
    assert b"InvalidSignatureException" in sent(endpoint, "POST", "/", headers, b'{"MaxResults": 1}')[2]


def test_a_large_upload_with_a_wrong_secret_gets_its_answer(endpoint: str, bucket: str) -> None:
    s3 = stranger("s3", endpoint, Keys(keys_of(endpoint).id, "x"))
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3.put_object(Bucket=bucket, Key="large", Body=b"x" * 8_000_000)


def _signature(**given: Any) -> Signature:
    now = datetime.now(UTC)
    fields: dict[str, Any] = {"key": "k", "scope": (f"{now:%Y%m%d}", "us-east-1", "s3"), "time": now, "signed": ()}
    return Signature(**(fields | {"value": "seed", "payload": "", "token": ""} | given))


@pytest.mark.parametrize(
    ("age", "valid", "kind"),
    [
        (timedelta(minutes=14), None, ""),
        (timedelta(minutes=-14), None, ""),
        (timedelta(minutes=16), None, "skewed"),
        (timedelta(minutes=-16), None, "skewed"),
        (timedelta(minutes=59), timedelta(hours=1), ""),
        (timedelta(minutes=61), timedelta(hours=1), "expired"),
        (timedelta(minutes=-16), timedelta(hours=1), "denied"),
    ],
)
def test_a_signature_is_valid_for_15_minutes_and_a_url_as_long_as_it_says(
    age: timedelta, valid: timedelta | None, kind: str
) -> None:
    now = datetime.now(UTC)
    try:
        check_time(_signature(time=now - age, valid=valid), now)
        told = ""
    except Refused as refused:
        told = refused.kind
    assert told == kind


def _in_chunks(signature: Signature, secret: str, parts: list[bytes], trailer: bytes = b"") -> bytes:
    """Return the body as an AWS client sends it, signed chunk by chunk."""
    key, before, sent = signing_key(secret, signature.scope), signature.value, b""
    place = f"{signature.timestamp}\n{'/'.join(signature.scope)}/aws4_request"

    def sign(kind: str, hashes: str) -> str:
        import hmac

        text = f"AWS4-HMAC-SHA256-{kind}\n{place}\n{before}\n{hashes}"
        return hmac.new(key, text.encode(), sha256).hexdigest()

    for part in [*parts, b""]:
        before = sign("PAYLOAD", f"{sha256().hexdigest()}\n{sha256(part).hexdigest()}")
        sent += f"{len(part):x};chunk-signature={before}\r\n".encode() + part + (b"\r\n" if part else b"")
    if trailer:
        sent += trailer + b"\r\nx-amz-trailer-signature:"
        sent += sign("TRAILER", sha256(trailer + b"\n").hexdigest()).encode() + b"\r\n"
    return sent + b"\r\n"


@pytest.mark.parametrize("trailer", [b"", b"x-amz-checksum-crc32:AAAAAA=="])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_an_upload_signed_chunk_by_chunk_is_checked_chunk_by_chunk(trailer: bytes, step: int) -> None:
    signature = _signature(payload=STREAMED_WITH_TRAILER if trailer else STREAMED)
    body = _in_chunks(signature, "secret", [b"first" * 20, b"\r\nsecond"], trailer)

    def is_right(body: bytes, secret: str = "secret") -> bool:
        checked = body_of(signature, secret)
        for start in range(0, len(body), step):
            checked.update(body[start : start + step])
        return checked.is_right()

    assert is_right(body)
    assert not is_right(body, "another")
    assert not is_right(body.replace(b"second", b"SECOND"))
    assert not is_right(body.replace(b"first", b"First", 1))
    assert not is_right(body[: body.index(b"\r\n0;") + 2])
    assert not is_right(b"not chunks at all\r\n")
    assert not trailer or not is_right(body.replace(b"AAAAAA==", b"BBBBBB=="))


def raw(endpoint: str, head: str, body: bytes = b"") -> bytes:
    """Send raw bytes, and return everything up to the end of the connection."""
    with socket.create_connection((urlsplit(endpoint).hostname, urlsplit(endpoint).port), timeout=20) as connection:
        answer = b""
        with suppress(ConnectionError):
            connection.sendall(head.format(host=urlsplit(endpoint).netloc).encode() + body)
            while part := connection.recv(65536):
                answer += part
        return answer


@pytest.mark.parametrize(
    "asks",
    [
        "Expect: 100-continue\r\nContent-Length: 3000\r\n",
        "Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n",
    ],
)
def test_after_a_refusal_without_its_body_the_connection_is_closed(endpoint: str, asks: str) -> None:
    answer = raw(endpoint, f"PUT /x/y HTTP/1.1\r\nHost: {{host}}\r\n{asks}\r\n")
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"connection: close" in answer.lower()


def test_a_wrong_secret_is_refused_at_every_attempt(endpoint: str) -> None:
    config = Config(max_pool_connections=1, retries={"total_max_attempts": 1})
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config,
                      aws_access_key_id=keys_of(endpoint).id, aws_secret_access_key="x")  # fmt: skip
    for _ in range(3):
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            s3.put_object(Bucket="any", Key="any", Body=b"x" * 100)


def test_endless_headers_are_not_read_forever(endpoint: str) -> None:
    answer = raw(endpoint, "GET / HTTP/1.1\r\nHost: {host}\r\nX-Long: ", b"x" * (2 * 1024 * 1024))
    assert answer.split(b" ")[1:2] in ([b"400"], [])  # the answer may be lost when the connection is reset


def test_blanks_around_a_header_value_are_stripped(endpoint: str, bucket: str) -> None:
    s3 = client("s3", endpoint)
    s3.put_object(Bucket=bucket, Key="described", Body=b"", Metadata={"by": "me  "})
    assert s3.head_object(Bucket=bucket, Key="described")["Metadata"] == {"by": "me"}


def test_every_answer_has_one_date(endpoint: str, bucket: str) -> None:
    for service, path in (("s3", f"/{bucket}"), ("s3", "/nowhere"), ("glue", "/")):
        _, headers, _ = sent(endpoint, "GET", path, signed(endpoint, "GET", path, {}, service=service))
        assert headers.count("\ndate: ") + headers.startswith("date: ") == 1
