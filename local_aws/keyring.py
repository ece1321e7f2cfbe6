"""The keys that this AWS accepts: its own, and those that its STS and IAM issued."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from local_aws.credentials import FILE, Keys
from local_aws.protocol import Document
from local_aws.signature import Refused, Signature
from local_aws.store import Store

HANDED_OUT = "access_keys"
_HANDS_OUT = ("AssumeRole", "GetSessionToken", "GetFederationToken", "CreateAccessKey")


class Keyring:
    """Holds the secret of every key. Issued keys are kept in the store, so they survive a restart."""

    def __init__(self, own: Keys, store: Store, folder: Path) -> None:
        self._own = own
        self._store = store
        self._file = folder / FILE
        self._others = store.all(HANDED_OUT)

    def secret(self, signature: Signature, now: datetime) -> str:
        """Return the secret of the key that signed. Raises Refused for an unknown, deleted or expired key."""
        if signature.key == self._own.id:
            return self._own.secret
        key = self._others.get(signature.key)
        if key is None or not key["active"]:
            message = f"this AWS does not know the access key {signature.key}: its own keys are in {self._file}"
            raise Refused("unknown", message)
        if key["token"] != signature.token:
            raise Refused("token", "The security token included in the request is invalid")
        if key["until"] and now.timestamp() > key["until"]:
            raise Refused("token", "The security token included in the request is expired")
        return str(key["secret"])

    def learn(self, call: Mapping[str, str], answer: bytes) -> None:
        """Record what STS or IAM did with keys.

        Args:
            call: the parameters of a successful call, including `Action`.
            answer: its XML response.
        """
        action, key = call.get("Action", ""), call.get("AccessKeyId", "")
        if action.startswith(_HANDS_OUT):
            self._forget_what_is_over()
            self._keep(*_handed_out(answer))
        elif action == "DeleteAccessKey" and key in self._others:
            self._drop(key)
        elif action == "UpdateAccessKey" and key in self._others:
            self._keep(key, self._others[key] | {"active": call.get("Status") == "Active"})

    def _forget_what_is_over(self) -> None:
        now = datetime.now(UTC).timestamp()
        for key in [key for key, known in self._others.items() if known["until"] and known["until"] < now]:
            self._drop(key)

    def _keep(self, key: str, known: Document) -> None:
        self._store.put(HANDED_OUT, key, known)
        self._others[key] = known

    def _drop(self, key: str) -> None:
        self._store.delete(HANDED_OUT, key)
        del self._others[key]


def _handed_out(answer: bytes) -> tuple[str, Document]:
    texts = {element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(answer).iter()}
    until = 0.0
    with suppress(KeyError, ValueError):
        until = datetime.fromisoformat(texts["Expiration"]).timestamp()
    return texts["AccessKeyId"], {
        "secret": texts["SecretAccessKey"],
        "token": texts.get("SessionToken", ""),
        "until": until,
        "active": True,
    }
