"""The script's client for AWS Glue and Secrets Manager, observed by a server."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.glue_scripts.scala.conftest import Submit

FOUND = (200, {"Table": {"Name": "é"}})
FAULT = (503, {"__type": "InternalServiceException"})
GATEWAY = (502, "<html>Bad Gateway</html>")
LOST = (0, None)
THROTTLED = (400, {"__type": "com.amazonaws#ThrottlingException", "Message": "slow down"})
REFUSED = (400, {"__type": "EntityNotFoundException", "Message": "no table é"})


class Service:
    """An HTTP server that returns the given answers in order, repeats the last, and records the requests.

    An answer is a status with a body: a document, or a text as it is. Without a body, the connection ends.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = [FOUND]
        self.asked: list[tuple[dict[str, str], bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status, answer = service.answers.pop(0) if len(service.answers) > 1 else service.answers[0]
                if answer is not None:
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write((answer if isinstance(answer, str) else json.dumps(answer)).encode())

            def log_message(self, *args: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    thread = Thread(target=service.server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    yield service
    service.server.shutdown()
    service.server.server_close()
    thread.join()


def call(submitted_alone: Submit, name: str = "é") -> str:
    return asked(submitted_alone, "glue", "GetTable", {"Name": name})


def asked(submitted_alone: Submit, service: str, action: str, request: dict[str, str]) -> str:
    done = submitted_alone("CallAws", service, action, json.dumps(request))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def signed_by_botocore(url: str, headers: dict[str, str], body: bytes, key: Credentials, name: str = "glue") -> str:
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest("POST", f"{url}/", {name: headers[name] for name in names}, body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(key, name, "eu-west-1")
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={';'.join(names)}, Signature={signature}"


def test_a_call_is_signed_as_botocore_signs_it(submitted_alone: Submit, service: Service) -> None:
    assert json.loads(call(submitted_alone)) == {"Table": {"Name": "é"}}
    [(headers, body)] = service.asked
    assert headers["x-amz-target"] == "AWSGlue.GetTable"
    assert json.loads(body) == {"Name": "é"}
    key = Credentials("AKIATEST", "a secret")
    assert headers["authorization"] == signed_by_botocore(service.url, headers, body, key)


def test_without_keys_in_the_environment_the_sdks_keys_sign(
    submitted_alone: Submit, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    call(submitted_alone)
    [(headers, body)] = service.asked
    assert headers["x-amz-security-token"] == "token of the SDK"
    key = Credentials("AKIASDK", "secret of the SDK", "token of the SDK")
    assert headers["authorization"] == signed_by_botocore(service.url, headers, body, key)


def test_secrets_manager_is_called_with_its_own_service_name(submitted_alone: Submit, service: Service) -> None:
    asked(submitted_alone, "secretsmanager", "GetSecretValue", {"SecretId": "shop"})
    [(headers, body)] = service.asked
    assert headers["x-amz-target"] == "secretsmanager.GetSecretValue"
    assert json.loads(body) == {"SecretId": "shop"}
    key = Credentials("AKIATEST", "a secret")
    assert headers["authorization"] == signed_by_botocore(service.url, headers, body, key, "secretsmanager")


def test_transient_errors_are_retried(submitted_alone: Submit, service: Service) -> None:
    service.answers = [FAULT, THROTTLED, GATEWAY, LOST, FOUND]
    assert json.loads(call(submitted_alone)) == {"Table": {"Name": "é"}}
    assert len(service.asked) == 5


def test_a_service_that_does_not_answer_is_named(submitted_alone: Submit, service: Service) -> None:
    service.answers = [LOST]
    said = f"NoAnswer: glue does not answer at {service.url}. Let the job's network reach it"
    assert call(submitted_alone) == said
    assert len(service.asked) == 6


def test_a_refusal_raises_its_code_and_message_without_a_retry(submitted_alone: Submit, service: Service) -> None:
    service.answers = [REFUSED]
    assert call(submitted_alone) == "EntityNotFoundException: no table é"
    assert len(service.asked) == 1
