"""All the permissions that a call needs: its own, those for the keys of what it reads, and for roles it hands on."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local_aws.permissions import s3_actions
from local_aws.permissions.calls import Asked
from local_aws.permissions.conditions import Keys
from local_aws.permissions.decision import Ask
from local_aws.permissions.holdings import Holdings
from local_aws.permissions.principals import ACCOUNT, role_arn
from local_aws.permissions.resources import resources
from local_aws.signature import Request

_OF_STREAMS = {"PutRecord": "GenerateDataKey", "PutRecords": "GenerateDataKey", "GetRecords": "Decrypt"}
_OF_S3 = {"s3:GetObject": "Decrypt", "s3:GetObjectVersion": "Decrypt", "s3:PutObject": "GenerateDataKey"}
_TAGGING = {
    "iam": {"CreateRole": "TagRole", "CreatePolicy": "TagPolicy", "CreateUser": "TagUser"},
    "kinesis": {"CreateStream": "AddTagsToStream"},
    "firehose": {"CreateDeliveryStream": "TagDeliveryStream"},
    "sqs": {"CreateQueue": "TagQueue"},
}
"""Of a service, by an action that tags what it makes, the action that has to be allowed too."""
_TAG = ("athena", "cloudwatch", "events", "glue", "kinesisanalytics", "kms", "lambda", "logs", "secretsmanager", "sns")
"""The services where that is `TagResource`."""
_TAG_KEY = re.compile(r"Tags\.member\.\d+\.Key")
_KEY_ID = 36
"""Bytes of a key's id."""
_HANDS_ON = ("Create", "Update", "Put", "Add", "Start")
"""How the actions begin that give a role to a service."""


def of_call(call: Asked, holdings: Holdings) -> Iterator[Ask]:
    """Of any service but S3."""
    keys = _keys(call)
    for arn in _resolved(call, holdings):
        yield Ask(call.name, arn, keys)
    yield from _of_keys(call, holdings)
    yield from _of_tags(call, holdings)
    if call.service != "iam" and call.action.startswith(_HANDS_ON):
        for role in sorted({*_roles(call.given), *_named_roles(call.given)}):
            yield Ask("iam:PassRole", role, {"iam:passedtoservice": (f"{call.service}.amazonaws.com",)})


def of_s3(request: Request, body: bytes, holdings: Holdings, region: str) -> Iterator[Ask]:
    in_parts = any(name in ("uploads", "uploadId") for name, _ in request.parameters)
    for ask in s3_actions.asks(request, body):
        yield ask
        yield from of_object(ask, holdings, region, in_parts=in_parts and ask.action == "s3:PutObject")


def of_object(ask: Ask, holdings: Holdings, region: str, *, in_parts: bool = False) -> Iterator[Ask]:
    """What reading or writing an object needs of the key of its bucket. Parts are also read when they are joined."""
    bucket = ask.resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    if ask.action not in _OF_S3 or not (key := holdings.key_of_bucket(bucket, region)):
        return
    context = {"kms:encryptioncontext:aws:s3:arn": (f"arn:aws:s3:::{bucket}",)}
    for action in (_OF_S3[ask.action], *(["Decrypt"] if in_parts else [])):
        yield _on_key(action, key, f"s3.{region}.amazonaws.com", holdings, region, context)


def _on_key(action: str, key: str, service: str, holdings: Holdings, region: str, context: Keys) -> Ask:
    keys = {"kms:viaservice": (service,), "kms:resourcealiases": holdings.aliases(key, region), **context}
    return Ask(f"kms:{action}", key, keys)


def _of_keys(call: Asked, holdings: Holdings) -> Iterator[Ask]:
    """Of the key of a stream or a secret."""
    region = call.region
    if call.service == "kinesis" and call.action in _OF_STREAMS:
        for stream in _resolved(call, holdings):
            if key := holdings.key_of_stream(stream, region):
                context = {"kms:encryptioncontext:aws:kinesis:arn": (stream,)}
                service = f"kinesis.{region}.amazonaws.com"
                yield _on_key(_OF_STREAMS[call.action], key, service, holdings, region, context)
    if call.name == "secretsmanager:GetSecretValue":
        arn, key = holdings.secret(str(call.given.get("SecretId", "")), region)
        if key:
            context = {"kms:encryptioncontext:secretarn": (arn,)}
            yield _on_key("Decrypt", key, f"secretsmanager.{region}.amazonaws.com", holdings, region, context)


def _of_tags(call: Asked, holdings: Holdings) -> Iterator[Ask]:
    """Who makes a thing with tags has to be allowed to tag it."""
    has_tags = any(
        name.lower() == "tags" or name.startswith("Tags.member.") for name, value in call.given.items() if value
    )
    action = "TagResource" if call.service in _TAG else _TAGGING.get(call.service, {}).get(call.action, "")
    if has_tags and action and call.action.startswith(("Create", "Put")):
        for arn in _resolved(call, holdings):
            yield Ask(f"{call.service}:{action}", arn, _keys(call))


def _resolved(call: Asked, holdings: Holdings) -> list[str]:
    """The call's resources, where a name stands for another one."""
    found = list(resources(call))
    given, region = call.given, call.region
    if call.service == "kinesis" and call.action == "GetRecords" and "StreamARN" not in given:
        return [_stream_of(str(given.get("ShardIterator", "")), call)]
    if call.service == "kms" and "AliasName" in given:
        alias = f"arn:aws:kms:{region}:{ACCOUNT}:{given['AliasName']}"
        return [alias, *([holdings.key(str(given["TargetKeyId"]), region)] if "TargetKeyId" in given else [])]
    if call.service == "kms" and (named := [*_keys_of_ciphertext(given), *filter(None, [given.get("KeyId")])]):
        return sorted({holdings.key(str(name), region) for name in named})
    if call.service == "secretsmanager" and "SecretId" in given:
        return [holdings.secret(str(given["SecretId"]), region)[0] or found[0]]
    if call.service == "athena" and found == ["*"]:
        for field in ("QueryExecutionId", "NamedQueryId"):
            if given.get(field):
                group = holdings.workgroup(field, str(given[field]), region)
                return [f"arn:aws:athena:{region}:{ACCOUNT}:workgroup/{group}"] if group else found
    return found


def _stream_of(iterator: str, call: Asked) -> str:
    """The stream of an iterator, which begins with `region/stream.life`."""
    try:
        place = json.loads(base64.urlsafe_b64decode(iterator))[0].partition("/")[2]
    except (ValueError, TypeError, LookupError):
        return "*"
    return f"arn:aws:kinesis:{call.region}:{ACCOUNT}:stream/{place.rpartition('.')[0]}"


def _keys_of_ciphertext(given: Mapping[str, Any]) -> list[str]:
    """The id of the key of what a call decrypts, which begins with it. Only a symmetric key's need not be named."""
    try:
        sent = given.get("CiphertextBlob", b"")
        return [(sent if isinstance(sent, bytes) else base64.b64decode(sent))[:_KEY_ID].decode()] if sent else []
    except (ValueError, TypeError):
        return []


_GIVEN = {"sts": {"ExternalId": "sts:externalid", "RoleSessionName": "sts:rolesessionname"}}
_GIVEN["cloudwatch"] = {"Namespace": "cloudwatch:namespace"}
"""Of a service, by a parameter, the condition key that has its value."""


def _keys(call: Asked) -> dict[str, tuple[str, ...]]:
    given = call.given
    named = _GIVEN.get(call.service, {})
    keys: dict[str, tuple[str, ...]] = {key: (str(given[name]),) for name, key in named.items() if name in given}
    if tags := _tags(given):
        keys["aws:tagkeys"] = tuple(tags)
        keys |= {f"aws:requesttag/{name.lower()}": (value,) for name, value in tags.items()}
    if call.service == "kms" and isinstance(context := given.get("EncryptionContext"), Mapping):
        keys |= {f"kms:encryptioncontext:{name.lower()}": (str(value),) for name, value in context.items()}
    return keys


def _tags(given: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a call gives, in whichever form its service has them."""
    tags: Any = next((given[name] for name in ("Tags", "tags") if given.get(name)), {})
    if isinstance(tags, Mapping):
        return {str(name): str(value) for name, value in tags.items()}
    pairs = [pair for pair in tags if isinstance(pair, Mapping)] if isinstance(tags, list) else []
    found = [{name.lower().removeprefix("tag"): value for name, value in pair.items()} for pair in pairs]
    named = {str(pair["key"]): str(pair.get("value", "")) for pair in found if "key" in pair}
    return named | {
        str(given[name]): str(given.get(f"{name.removesuffix('Key')}Value", ""))
        for name in given
        if _TAG_KEY.fullmatch(name)
    }


def _named_roles(given: Mapping[str, Any]) -> Iterator[str]:
    """The roles that Glue's calls name by ARN or name: of what they make, and in a job's update."""
    for document in (given, given.get("JobUpdate")):
        if isinstance(document, Mapping) and isinstance(role := document.get("Role"), str) and role:
            yield role_arn(role)


def _roles(given: Any) -> Iterator[str]:
    """The ARNs of roles anywhere in a call's parameters."""
    if isinstance(given, str):
        if given.startswith("arn:aws:iam::") and ":role/" in given and given.count(":") == 5:
            yield given
    elif isinstance(given, Mapping):
        for value in given.values():
            yield from _roles(value)
    elif isinstance(given, list):
        for value in given:
            yield from _roles(value)
