"""The permissions that a request to S3 needs: actions and ARNs by its method, its path and its subresource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

from local_aws.permissions.decision import Ask
from local_aws.signature import Refused, Request, check_once

_OF_BUCKET = {
    "abac": "BucketABAC",
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "AnalyticsConfiguration",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "metrics": "MetricsConfiguration",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
"""What IAM calls the subresources of a bucket, after Get or Put. Taking one off is a Put, but for those below."""
_DELETED = {"policy": "DeleteBucketPolicy", "website": "DeleteBucketWebsite"}
_OF_OBJECT = {
    "acl": "ObjectAcl",
    "attributes": "ObjectAttributes",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "ObjectTagging",
    "torrent": "ObjectTorrent",
}
_LISTS = {"versions": "ListBucketVersions", "uploads": "ListBucketMultipartUploads"}
_SETS = {"PUT": "Put", "GET": "Get", "HEAD": "Get", "POST": "Put", "DELETE": "Put"}
_PLAIN = ("annotation", "delete", "restore", "select", "uploadId")
_KNOWN = {*_OF_BUCKET, *_OF_OBJECT, *_LISTS, *_PLAIN}
_READ = {"acl", "legal-hold", "retention", "tagging"}
_DROPPED = {"cors", "encryption", "lifecycle", "ownershipControls", "policy", "publicAccessBlock", "replication"}
_DROPPED |= {"tagging", "website"}
_WRITTEN = {*_DROPPED, "accelerate", "acl", "logging", "notification", "object-lock", "versioning"}
_SERVED_BUCKET = {"GET": {*_WRITTEN, "location"}, "PUT": {*_WRITTEN, "requestPayment"}, "DELETE": _DROPPED}
_SERVED_OBJECT = {"GET": {*_READ, "attributes"}, "PUT": _READ, "DELETE": {"tagging"}}
"""The subresources that the emulator serves. It does without any other: the permission for that is needed too."""


def place(request: Request) -> tuple[str, str]:
    """(bucket, key) of a request; an empty key is the bucket itself."""
    bucket, _, key = unquote(request.path).lstrip("/").partition("/")
    return bucket, key


def asks(request: Request, body: bytes) -> Iterator[Ask]:
    """What a request needs, with the condition keys of its headers.

    Args:
        body: of a POST to a bucket, which may name objects; of all else it is not looked at.

    Raises:
        Refused: it names two things at once, or cannot be read.
    """
    if request.header("x-amz-target"):
        raise Refused("absent", "x-amz-target: S3 has no such header. Sign the call for its service")
    check_once("parameter", [name for name, _ in request.parameters])
    headers, parameters = _headers(request), dict(request.parameters)
    if len(named := sorted(_KNOWN & set(parameters))) > 1:
        raise Refused("argument", f"the request names {' and '.join(named)}: S3 answers one at a time")
    keys = _keys(headers, parameters)
    for ask in _plain(request, headers, parameters, body):
        yield replace(ask, keys={**keys, **ask.keys})


def _plain(request: Request, headers: Mapping[str, str], parameters: Mapping[str, str], body: bytes) -> Iterator[Ask]:
    bucket, key = place(request)
    if not bucket:
        yield Ask("s3:ListAllMyBuckets", "*")
    elif not key:
        yield from _of_bucket(request.method, bucket, parameters, body)
    else:
        yield from _of_object(request.method, f"arn:aws:s3:::{bucket}/{key}", headers, parameters)


def _headers(request: Request) -> dict[str, str]:
    """S3's own headers, which may also be in the query."""
    queried = {name.lower(): value for name, value in request.parameters if name.lower().startswith("x-amz-")}
    return queried | {name: value for name, value in request.headers if name.startswith("x-amz-")}


def _keys(headers: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {f"s3:{name}": (value,) for name, value in headers.items()}
    tags = parse_qsl(headers.get("x-amz-tagging", ""), keep_blank_values=True)
    keys |= {f"s3:requestobjecttag/{name.lower()}": (value,) for name, value in tags}
    return keys | ({"s3:versionid": (parameters["versionId"],)} if "versionId" in parameters else {})


def _of_bucket(method: str, bucket: str, parameters: Mapping[str, str], body: bytes) -> Iterator[Ask]:
    arn = f"arn:aws:s3:::{bucket}"
    subresource = next((name for name in parameters if name in _OF_BUCKET), "")
    if method == "POST":
        yield from _deletions(arn, body) if "delete" in parameters else [Ask("s3:PutObject", f"{arn}/*")]
        return
    if subresource:
        default = f"{_SETS[method]}{_OF_BUCKET[subresource]}"
        yield Ask(f"s3:{_DELETED.get(subresource, default) if method == 'DELETE' else default}", arn)
    if subresource not in _SERVED_BUCKET.get(method, ()):
        yield from _of_whole_bucket(method, arn, parameters)


def _of_whole_bucket(method: str, arn: str, parameters: Mapping[str, str]) -> Iterator[Ask]:
    if method not in ("GET", "HEAD"):
        yield Ask("s3:CreateBucket" if method == "PUT" else "s3:DeleteBucket", arn)
        return
    if not parameters.get("max-keys", "0").isdecimal():
        raise Refused("argument", f"max-keys is {parameters['max-keys']!r}: it has to be a number")
    listing = next((name for name in parameters if name in _LISTS), "")
    shown = {f"s3:{name}": (parameters[name],) for name in ("prefix", "delimiter", "max-keys") if name in parameters}
    yield Ask(f"s3:{_LISTS.get(listing, 'ListBucket')}", arn, shown)


def _deletions(arn: str, body: bytes) -> Iterator[Ask]:
    try:
        entries = [entry for entry in ElementTree.fromstring(body).iter() if entry.tag.endswith("Object")]
    except ElementTree.ParseError as error:
        raise Refused("unreadable", f"the list of objects to delete is no XML: {error}") from None
    for entry in entries:
        names = [child.tag.rpartition("}")[2] for child in entry]
        if names.count("Key") != 1 or names.count("VersionId") > 1:
            raise Refused(
                "unreadable", f"an Object to delete has the parts {names}: it needs one Key, and may have one VersionId"
            )
        named = dict(zip(names, (child.text or "" for child in entry), strict=True))
        action = "DeleteObjectVersion" if named.get("VersionId") else "DeleteObject"
        versions = {"s3:versionid": (named["VersionId"],)} if named.get("VersionId") else {}
        yield Ask(f"s3:{action}", f"{arn}/{named['Key']}", versions)


def _of_object(method: str, arn: str, headers: Mapping[str, str], parameters: Mapping[str, str]) -> Iterator[Ask]:
    version = "Version" if "versionId" in parameters else ""
    subresource = next((name for name in parameters if name in _OF_OBJECT), "")
    if subresource:
        action = f"{'Delete' if method == 'DELETE' else _SETS[method]}{_OF_OBJECT[subresource]}"
        yield Ask(f"s3:{action.replace('Object', f'Object{version}', 1)}", arn)
    if subresource not in _SERVED_OBJECT.get(method, ()):
        yield from _of_whole_object(method, arn, version, headers, parameters)


def _of_whole_object(
    method: str, arn: str, version: str, headers: Mapping[str, str], parameters: Mapping[str, str]
) -> Iterator[Ask]:
    if method in ("GET", "HEAD"):
        is_of_parts = method == "GET" and "uploadId" in parameters
        yield Ask("s3:ListMultipartUploadParts" if is_of_parts else f"s3:GetObject{version}", arn)
    elif method == "DELETE":
        yield Ask("s3:AbortMultipartUpload" if "uploadId" in parameters else f"s3:DeleteObject{version}", arn)
    elif method == "POST" and "restore" in parameters:
        yield Ask("s3:RestoreObject", arn)
    elif method == "POST" and "select" in parameters:
        yield Ask("s3:GetObject", arn)
    else:
        yield Ask("s3:PutObject", arn)
        source, _, which = headers.get("x-amz-copy-source", "").lstrip("/").partition("?")
        if source:
            yield Ask(f"s3:GetObject{'Version' if which else ''}", f"arn:aws:s3:::{unquote(source)}")
        if "x-amz-tagging" in headers:
            yield Ask("s3:PutObjectTagging", arn)
