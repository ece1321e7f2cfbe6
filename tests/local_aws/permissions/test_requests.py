"""A request that could be read in two ways gives nobody more than one way of reading it would."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local_aws.credentials import Keys
from tests.embedded import keys_of
from tests.local_aws.permissions.conftest import ACCOUNT, allow, document
from tests.local_aws.strangers import sent

Aws = Callable[[str], Any]
MakeKeys = Callable[..., Keys]
JSON = {"Content-Type": "application/x-amz-json-1.1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SECRET = {"X-Amz-Target": "secretsmanager.GetSecretValue"}


class Sender:
    """Sends what somebody signed, exactly as given; gives (status, body)."""

    def __init__(self, endpoint: str, keys: Keys) -> None:
        self._endpoint, self._keys = endpoint, keys

    def headers(
        self, service: str, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> dict[str, str]:
        request = AWSRequest(method, f"{self._endpoint}{path}", headers=headers, data=body)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(Credentials(self._keys.id, self._keys.secret, self._keys.token or None), service, "us-east-1").add_auth(
            request
        )
        return dict(request.headers.items())

    def __call__(
        self, service: str, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, bytes]:
        signed = self.headers(service, method, path, headers or {}, body)
        status, _, answer = sent(self._endpoint, method, path, signed, body)
        return status, answer

    def url(self, service: str, method: str, path: str) -> str:
        """The path and query of a presigned URL."""
        request = AWSRequest(method, f"{self._endpoint}{path}")
        S3SigV4QueryAuth(Credentials(self._keys.id, self._keys.secret), service, "us-east-1").add_auth(request)
        return str(request.url).removeprefix(self._endpoint)


@pytest.fixture
def buckets(aws: Aws, name: str) -> tuple[str, str]:
    """(mine, theirs), with an object k in each."""
    for bucket in (name, f"{name}-theirs"):
        aws("s3").create_bucket(Bucket=bucket)
        aws("s3").put_object(Bucket=bucket, Key="k", Body=b"bytes of theirs")
    return name, f"{name}-theirs"


@pytest.fixture
def secret(aws: Aws, name: str) -> bytes:
    """A call's body that asks for a secret."""
    aws("secretsmanager").create_secret(Name=name, SecretString="the secret")
    return json.dumps({"SecretId": name}).encode()


def in_bucket(bucket: str) -> dict[str, Any]:
    return allow("s3:*", [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"])


def test_no_service_name_in_a_signature_is_a_way_past_the_policies(
    endpoint: str, keys: MakeKeys, buckets: tuple[str, str], secret: bytes
) -> None:
    send = Sender(endpoint, keys())
    for service in ("local", "anything", "execute-api"):
        assert send(service, "GET", f"/{buckets[1]}/k")[0] in (403, 404)
        status, answer = send(service, "POST", "/", JSON | SECRET, secret)
        assert (status, b"the secret" in answer) == (400, False)
        assert send(service, "POST", "/", FORM, b"Action=ListRoles&Version=2010-05-08")[0] in (400, 403, 404)


@pytest.mark.parametrize(
    "path", ["/_local/store", "/_local/calls", "/_ministack/config", "/_ministack/ready", "/iceberg/v1/config"]
)
@pytest.mark.parametrize("service", ["local", "s3", "glue"])
def test_what_this_aws_says_of_itself_is_for_the_account_alone(
    endpoint: str, keys: MakeKeys, path: str, service: str
) -> None:
    send = Sender(endpoint, keys(allow(["s3:*", "glue:*", "local:*"])))
    assert send(service, "GET", path)[0] == 403
    status, answer = send(service, "POST", path, JSON, b"{}")
    assert (status, b"AccessDeniedException" in answer) == (400, True)


def test_the_account_itself_sees_the_store(endpoint: str) -> None:
    send = Sender(endpoint, keys_of(endpoint))
    assert [send("local", "GET", path)[0] for path in ("/_local/store", "/_local/calls")] == [200, 200]


def test_an_encoded_name_in_a_presigned_url_changes_nothing(
    endpoint: str, keys: MakeKeys, buckets: tuple[str, str]
) -> None:
    send = Sender(endpoint, keys(in_bucket(buckets[0])))
    for encoded in ("X-Amz-Credential", "X-Amz-Credentia%6C"):
        allowed, refused = (send.url("s3", "GET", f"/{b}/k").replace("X-Amz-Credential", encoded) for b in buckets)
        assert sent(endpoint, "GET", allowed, {})[0] == 200
        assert sent(endpoint, "GET", refused, {})[0] == 403


def test_a_presigned_url_goes_to_the_service_that_signed_it(
    aws: Aws, endpoint: str, keys: MakeKeys, buckets: tuple[str, str]
) -> None:
    send = Sender(endpoint, keys(allow("s3:*"), allow("mediastore:*")))
    url = send.url("s3", "GET", f"/{buckets[0]}/k?Action=ListRoles&Version=2010-05-08")
    assert b"ListRoles" not in sent(endpoint, "GET", url, {})[2]
    assert b"bytes of theirs" not in sent(endpoint, "GET", send.url("mediastore", "GET", f"/{buckets[1]}/k"), {})[2]
    aws("s3").create_bucket(Bucket="clusters-of-mine")
    aws("s3").put_object(Bucket="clusters-of-mine", Key="k", Body=b"named as a path of ECS")
    assert sent(endpoint, "GET", send.url("s3", "GET", "/clusters-of-mine/k"), {})[2] == b"named as a path of ECS"


def test_a_target_belongs_to_the_service_that_is_signed_for(
    endpoint: str, keys: MakeKeys, buckets: tuple[str, str], secret: bytes
) -> None:
    send = Sender(endpoint, keys(in_bucket(buckets[0]), allow(["glue:*", "sts:*", "lambda:*"])))
    for service, path in (("s3", f"/{buckets[0]}/x"), ("glue", "/"), ("sts", "/"), ("lambda", "/")):
        status, answer = send(service, "POST", path, JSON | SECRET, secret)
        assert (status, json.loads(answer)["__type"]) == (400, "UnknownOperationException")
    for target in ("AWSGlue.GetDatabases, secretsmanager.GetSecretValue", "secretsmanager.X.AWSGlue.GetDatabases"):
        assert send("glue", "POST", "/", JSON | {"X-Amz-Target": target}, secret)[0] == 400
    assert send("glue", "POST", "/", JSON | {"X-Amz-Target": "AWSGlue.GetDatabases"}, b"{}")[0] == 200


@pytest.mark.parametrize(
    "other", ["{0},Credential=k/20260101/us-east-1/iam/aws4_request", "{1}", "{0}, SignedHeaders=Credential=a/b/c/iam/"]
)
def test_a_header_has_each_part_once(endpoint: str, keys: MakeKeys, other: str) -> None:
    send = Sender(endpoint, keys(allow("glue:*")))
    call = ("glue", "POST", "/", JSON | {"X-Amz-Target": "AWSGlue.GetDatabases"}, b"{}")
    headers = send.headers(*call)
    signed = headers["Authorization"]
    first = signed.replace("Credential=", "Credential=k/20260101/us-east-1/iam/aws4_request, Credential=")
    headers["Authorization"] = other.format(signed, first)
    status, _, answer = sent(endpoint, "POST", "/", headers, b"{}")
    assert (status, b"IncompleteSignature" in answer) == (400, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", "Action=ListRoles&Action=GetRole&RoleName="),
        ("/?Action=ListRoles&Version=2010-05-08", "Action=GetRole"),
        ("/", "Action=GetRole&RoleName=theirs&RoleName=mine"),
        ("/?RoleName=theirs", "Action=GetRole&RoleName=mine"),
    ],
)
def test_a_parameter_comes_once(endpoint: str, keys: MakeKeys, path: str, body: str) -> None:
    mine = f"arn:aws:iam::{ACCOUNT}:role/mine"
    send = Sender(endpoint, keys(allow("iam:GetRole", ["*", mine])))
    status, answer = send(
        "iam", "POST", path, FORM, f"{body}&Version=2010-05-08".encode() if "?A" not in path else body.encode()
    )
    assert (status, b"MalformedQueryString" in answer, b"more than once" in answer) == (400, True, True)


def test_a_parameter_that_an_action_does_not_have_names_no_resource(
    aws: Aws, endpoint: str, keys: MakeKeys, name: str
) -> None:
    for database in (f"{name}_mine", f"{name}_theirs"):
        aws("glue").create_database(DatabaseInput={"Name": database})
    arns = [f"arn:aws:glue:us-east-1:{ACCOUNT}:{place}" for place in ("catalog", f"database/{name}_mine")]
    send = Sender(endpoint, keys(allow("glue:GetDatabase", arns)))

    def asked(**given: str) -> int:
        target = {"X-Amz-Target": "AWSGlue.GetDatabase"}
        return send("glue", "POST", "/", JSON | target, json.dumps(given).encode())[0]

    assert asked(Name=f"{name}_mine") == 200
    assert asked(Name=f"{name}_theirs", DatabaseName=f"{name}_mine") == 400
    assert asked(Name=f"{name}_theirs", ResourceArn=arns[1]) == 400


def test_a_compressed_body_is_read(endpoint: str, keys: MakeKeys) -> None:
    mine = {"StringEquals": {"cloudwatch:namespace": "Mine"}}
    send = Sender(endpoint, keys(allow("cloudwatch:PutMetricData", **mine)))
    headers = {"Content-Type": "application/x-amz-json-1.0", "Content-Encoding": "gzip"}
    headers["X-Amz-Target"] = "GraniteServiceVersion20100801.PutMetricData"

    def put(namespace: str) -> int:
        metric = {"Namespace": namespace, "MetricData": [{"MetricName": "m", "Value": 1}]}
        return send("monitoring", "POST", "/", headers, gzip.compress(json.dumps(metric).encode()))[0]

    assert (put("Mine"), put("Other")) == (200, 400)
    assert send("monitoring", "POST", "/", headers, b"not compressed")[0] == 400


def _s3_code(answer: bytes) -> str:
    return answer.decode().partition("<Code>")[2].partition("</Code>")[0]


def test_a_request_of_s3_names_one_thing(endpoint: str, keys: MakeKeys, buckets: tuple[str, str]) -> None:
    mine, theirs = buckets
    of_tags = allow(
        ["s3:PutBucketTagging", "s3:PutBucketAcl", "s3:GetAnalyticsConfiguration"], f"arn:aws:s3:::{theirs}"
    )
    of_objects = allow(["s3:GetObject", "s3:PutObjectAcl", "s3:DeleteObjectAcl"], f"arn:aws:s3:::{theirs}/*")
    send = Sender(endpoint, keys(of_tags, of_objects, in_bucket(mine)))
    policy = document(allow("s3:*") | {"Principal": "*"}).encode()
    for path in (f"/{theirs}?tagging=&policy=", f"/{theirs}?tagging=&tagging=x"):
        status, answer = send("s3", "PUT", path, {}, policy)
        assert (status, _s3_code(answer)) == (400, "InvalidArgument")
    # What the emulator would do without the subresource counts too.
    for method, path in (("DELETE", "?acl"), ("GET", "?analytics"), ("PUT", "/k?select"), ("DELETE", "/k?acl")):
        assert send("s3", method, f"/{theirs}{path}")[0] == 403
    assert send("s3", "GET", f"/{theirs}/k")[1] == b"bytes of theirs"


def test_a_copy_s_source_in_the_query_counts(endpoint: str, keys: MakeKeys, buckets: tuple[str, str]) -> None:
    mine, theirs = buckets
    send = Sender(endpoint, keys(in_bucket(mine)))
    assert send("s3", "PUT", f"/{mine}/x?x-amz-copy-source={quote(f'/{theirs}/k', safe='')}")[0] == 403
    assert send("s3", "PUT", f"/{mine}/x?x-amz-copy-source={quote(f'/{mine}/k', safe='')}")[0] == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<Delete><Object><Key>mine/k</Key><Key>theirs</Key></Object></Delete>", "MalformedXML"),
        ("<Delete><Object></Object></Delete>", "MalformedXML"),
        ("<Delete><Object>", "MalformedXML"),
        ("<Delete><Object><Key>theirs</Key></Object></Delete>", "AccessDenied"),
    ],
)
def test_each_object_to_delete_has_one_key(
    endpoint: str, keys: MakeKeys, buckets: tuple[str, str], body: str, code: str
) -> None:
    send = Sender(endpoint, keys(allow("s3:DeleteObject", f"arn:aws:s3:::{buckets[0]}/mine/*")))
    assert _s3_code(send("s3", "POST", f"/{buckets[0]}?delete=", {}, body.encode())[1]) == code


def test_a_number_of_keys_is_a_number(endpoint: str, keys: MakeKeys, buckets: tuple[str, str]) -> None:
    few = allow("s3:ListBucket", f"arn:aws:s3:::{buckets[0]}", NumericLessThanEquals={"s3:max-keys": "10"})
    send = Sender(endpoint, keys(few))
    found = [send("s3", "GET", f"/{buckets[0]}?max-keys={number}") for number in ("5", "50", "abc")]
    assert [status for status, _ in found] == [200, 403, 400]
    assert _s3_code(found[-1][1]) == "InvalidArgument"


@pytest.mark.parametrize("action", ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"])
def test_no_token_of_another_provider_gives_a_role(
    aws: Aws, endpoint: str, keys: MakeKeys, name: str, action: str
) -> None:
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"}})
    role = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    form = (
        f"Action={action}&Version=2011-06-15&RoleArn={role}&RoleSessionName=me&WebIdentityToken=forged&SAMLAssertion=x"
    )
    for own in (keys(allow("sts:*")), keys_of(endpoint)):
        status, answer = Sender(endpoint, own)("sts", "POST", "/", FORM, f"{form}&PrincipalArn={role}".encode())
        assert (status, b"InvalidIdentityToken" in answer) == (400, True)
