"""The journal's assumptions about the emulator: its state files, and errors that it only logs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

from local_aws.journal.requests import Effect, request_of
from local_aws.journal.state import States, encoded
from tests.local_aws.conftest import stopped
from tests.local_aws.journal.life import CHANGES, Life

CREDENTIAL = "AWS4-HMAC-SHA256 Credential=local/20261127/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    life = Life(tmp_path_factory.mktemp("state") / "aws")
    yield life
    if life.process.poll() is None:
        stopped(life.process)


@pytest.mark.parametrize("key", ["glue", "iam", "not_versioned"])
def test_a_state_is_written_as_the_emulator_writes_it(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_region, by_account = AccountRegionScopedDict(), AccountScopedDict()
    by_region.set_scoped("000000000000", "eu-west-1", "a\x00'name'", {"body": b"\x00\xff"})
    by_account["bucket", "key", None] = [1, "two", bytearray(b"3")]
    state = {"by_region": by_region, "nested": {"by_account": by_account}, "plain": {"n": 1.5}}
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path))
    persistence.save_state(key, state)
    written = tmp_path / f"{key}.json"
    assert json.loads(encoded(key, state)) == json.loads(written.read_text())
    written.write_text(encoded(key, state))
    again = persistence.load_state(key)
    assert again is not None
    assert again["by_region"].get_scoped("000000000000", "eu-west-1", "a\x00'name'") == {"body": b"\x00\xff"}
    assert list(again["nested"]["by_account"].to_dict()) == [("000000000000", ("bucket", "key", None))]


def test_an_object_that_the_emulator_could_not_write_is_not_acknowledged(life: Life) -> None:
    s3 = life.aws("s3")
    s3.create_bucket(Bucket="blocked")
    folder = life.folder / "s3" / "000000000000" / "blocked"
    for name in ("x", ".ministack-keys"):
        (folder / name).write_bytes(b"a file where the emulator needs a folder")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="blocked", Key="x/y", Body=b"1")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
    for name in ("x", ".ministack-keys"):
        (folder / name).unlink()
    s3.put_object(Bucket="blocked", Key="x/y", Body=b"1")


def test_on_a_stop_the_emulator_writes_the_state_that_the_journal_wrote(life: Life) -> None:
    for change in CHANGES:
        life.call(*change)
    # The tagging API affects all services, so the last call saved them all.
    before = _states(life.folder)
    stopped(life.process)
    after = _states(life.folder)
    assert set(after) == set(before)
    # Log groups include the merged lines; the mark of the lines is ours.
    assert {key for key in after if after[key] != before[key]} <= {"cloudwatch_logs"}


def test_a_service_whose_state_cannot_be_saved_still_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator itself cannot save it either, and only logs that."""
    kept: dict[str, Any] = {"alive": {"thread": object()}, "plain": {"n": 1}}
    loaded = {key: lambda state=state: state for key, state in kept.items()}
    monkeypatch.setattr("local_aws.journal.state.loaded_states", lambda: loaded)
    asyncio.run(States(tmp_path, lambda key, state: lambda: None).save(kept))
    assert [path.name for path in tmp_path.iterdir()] == ["plain.json"]


def test_calls_during_a_write_share_the_next_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr("local_aws.journal.state.loaded_states", lambda: {"k": lambda: {"n": len(taken)}})

    async def ten() -> None:
        states = States(tmp_path, lambda key, state: lambda: taken.append(state["n"]))
        await asyncio.gather(*(states.save(["k"]) for _ in range(10)))

    asyncio.run(ten())
    assert len(taken) <= 2
    assert json.loads((tmp_path / "k.json").read_text())["payload"] == {"n": taken[-1]}


def _states(folder: Path) -> dict[str, Any]:
    return {path.stem: json.loads(path.read_text()) for path in (folder / "state").glob("*.json")}


@pytest.mark.parametrize(
    ("service", "method", "path", "target", "effect"),
    [
        ("glue", "POST", "/", "AWSGlue.GetTables", Effect.NOTHING),
        ("glue", "POST", "/", "AWSGlue.CreateTable", Effect.STATE),
        ("glue", "POST", "/", "AWSGlue.BatchGetPartition", Effect.NOTHING),
        ("glue", "POST", "/", "AWSGlue.BatchCreatePartition", Effect.STATE),
        ("kms", "POST", "/", "TrentService.GenerateDataKey", Effect.NOTHING),
        ("logs", "POST", "/", "Logs_20140328.PutLogEvents", Effect.LINE),
        ("logs", "POST", "/", "Logs_20140328.GetLogEvents", Effect.NOTHING),
        ("sqs", "POST", "/", "AmazonSQS.SendMessage", Effect.STATE),
        ("sqs", "POST", "/", "AmazonSQS.ReceiveMessage", Effect.SOON),
        ("tagging", "POST", "/", "ResourceGroupsTaggingAPI_20170126.TagResources", Effect.EVERYTHING),
        ("s3", "GET", "/bucket/key", "", Effect.NOTHING),
        ("s3", "PUT", "/bucket", "", Effect.STATE),
        ("s3", "PUT", "/bucket/", "", Effect.STATE),
        ("s3", "PUT", "/bucket?tagging", "", Effect.STATE),
        ("s3", "PUT", "/bucket/some/key", "", Effect.OBJECTS),
        ("s3", "PUT", "/bucket//key", "", Effect.OBJECTS),
        ("s3", "POST", "/bucket?delete", "", Effect.OBJECTS),
        ("s3", "PUT", "/bucket/key?Action=ListThings", "", Effect.OBJECTS),
        ("lambda", "DELETE", "/2015-03-31/functions/name", "", Effect.STATE),
        ("s3", "POST", "/_ministack/reset", "", Effect.EVERYTHING),
    ],
)
def test_the_effect_of_a_call_is_recognised(service: str, method: str, path: str, target: str, effect: Effect) -> None:
    place, _, query = path.partition("?")
    headers = [(b"host", b"127.0.0.1"), (b"authorization", CREDENTIAL.format(service).encode())]
    headers += [(b"x-amz-target", target.encode())] if target else []
    scope = {"method": method, "path": place, "query_string": query.encode(), "headers": headers}
    assert request_of(scope).effect is effect


@pytest.mark.parametrize(("action", "effect"), [("GetRole", Effect.NOTHING), ("CreateRole", Effect.STATE)])
def test_the_action_of_the_query_protocol_is_read_from_the_body(action: str, effect: Effect) -> None:
    headers = [(b"authorization", CREDENTIAL.format("iam").encode())]
    scope = {"method": "POST", "path": "/", "query_string": b"", "headers": headers}
    assert request_of(scope, f"Action={action}&Version=2010-05-08".encode()).effect is effect
