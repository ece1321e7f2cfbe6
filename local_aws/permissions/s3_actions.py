"""The permissions that a request to S3 needs: actions and ARNs by its method, its path and its subresource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote
from xml.etree import ElementTree

from local_aws.permissions.decision import Ask
from local_aws.signature import Request

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


def place(request: Request) -> tuple[str, str]:
    """(bucket, key) of a request; an empty key is the bucket itself."""
    bucket, _, key = unquote(request.path).lstrip("/").partition("/")
    return bucket, key


def asks(request: Request, body: bytes) -> Iterator[Ask]:
    """`body`: of a POST to a bucket, which may name objects; of all else it is not looked at."""
    bucket, key = place(request)
    parameters = dict(request.parameters)
    if not bucket:
        yield Ask("s3:ListAllMyBuckets", "*")
    elif not key:
        yield from _of_bucket(request.method, bucket, parameters, body)
    else:
        yield from _of_object(request, f"arn:aws:s3:::{bucket}/{key}", parameters)


def _of_bucket(method: str, bucket: str, parameters: Mapping[str, str], body: bytes) -> Iterator[Ask]:
    arn = f"arn:aws:s3:::{bucket}"
    subresource = next((name for name in parameters if name in _OF_BUCKET), "")
    listing = next((name for name in parameters if name in _LISTS), "")
    if method == "POST" and "delete" in parameters:
        yield from _deletions(arn, body)
    elif subresource:
        default = f"{_SETS[method]}{_OF_BUCKET[subresource]}"
        yield Ask(f"s3:{_DELETED.get(subresource, default) if method == 'DELETE' else default}", arn)
    elif method in ("GET", "HEAD"):
        about = ("prefix", "delimiter", "max-keys")
        shown = {f"s3:{name}": (parameters[name],) for name in about if name in parameters}
        yield Ask(f"s3:{_LISTS.get(listing, 'ListBucket')}", arn, shown)
    else:
        yield Ask("s3:CreateBucket" if method == "PUT" else "s3:DeleteBucket", arn)


def _deletions(arn: str, body: bytes) -> Iterator[Ask]:
    for entry in ElementTree.fromstring(body).iter():
        if entry.tag.endswith("Object"):
            named = {child.tag.rpartition("}")[2]: child.text or "" for child in entry}
            action = "DeleteObjectVersion" if "VersionId" in named else "DeleteObject"
            yield Ask(f"s3:{action}", f"{arn}/{named.get('Key', '')}")


def _of_object(request: Request, arn: str, parameters: Mapping[str, str]) -> Iterator[Ask]:
    version = "Version" if "versionId" in parameters else ""
    subresource = next((name for name in parameters if name in _OF_OBJECT), "")
    method = request.method
    if subresource:
        action = f"{'Delete' if method == 'DELETE' else _SETS[method]}{_OF_OBJECT[subresource]}"
        yield Ask(f"s3:{action.replace('Object', f'Object{version}', 1)}", arn)
    elif method in ("GET", "HEAD"):
        yield Ask("s3:ListMultipartUploadParts" if "uploadId" in parameters else f"s3:GetObject{version}", arn)
    elif method == "DELETE":
        yield Ask("s3:AbortMultipartUpload" if "uploadId" in parameters else f"s3:DeleteObject{version}", arn)
    elif method == "POST" and "restore" in parameters:
        yield Ask("s3:RestoreObject", arn)
    else:
        yield Ask("s3:GetObject" if "select" in parameters else "s3:PutObject", arn)
        if source := unquote(request.header("x-amz-copy-source")).lstrip("/").partition("?")[0]:
            yield Ask("s3:GetObject", f"arn:aws:s3:::{source}")
        if request.header("x-amz-tagging"):
            yield Ask("s3:PutObjectTagging", arn)
