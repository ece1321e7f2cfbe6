"""The keys that this AWS accepts: its own, and those that its STS and IAM issued."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from local_aws.credentials import FILE, Keys, new_keys
from local_aws.permissions.principals import ROOT, Principal
from local_aws.protocol import Document
from local_aws.signature import Refused, Signature
from local_aws.store import Store

HANDED_OUT = "access_keys"
_HANDS_OUT = ("AssumeRole", "GetSessionToken", "GetFederationToken", "CreateAccessKey")


_NOTHING = '{"Statement": []}'


class Keyring:
    """Knows the secret of every key, and whose it is.

    What STS and IAM handed out is kept in the store, so it outlives a restart. What this AWS issued to its own engines
    and their processes does not.
    """

    def __init__(self, own: Keys, store: Store, folder: Path) -> None:
        self._own = own
        self._store = store
        self._file = folder / FILE
        self._others = store.all(HANDED_OUT)
        self._issued: dict[str, tuple[Keys, Principal]] = {}

    def issue(self, holder: Principal, token: str = "") -> Keys:
        """Keys for an engine that acts as somebody, for as long as this process lives."""
        keys = new_keys(token)
        self._issued[keys.id] = keys, holder
        return keys

    def revoke(self, keys: Keys) -> None:
        """Take back what was issued."""
        self._issued.pop(keys.id, None)

    def caller(self, signature: Signature) -> Principal:
        """Whose key signed."""
        if signature.key in self._issued:
            return self._issued[signature.key][1]
        known = self._others.get(signature.key)
        return Principal(*known.get("holder", ("unknown",))) if known else ROOT

    def secret(self, signature: Signature, now: datetime) -> str:
        """Return the secret of the key that signed. Raises Refused for an unknown, deleted or expired key."""
        if signature.key == self._own.id:
            return self._own.secret
        if issued := self._issued.get(signature.key):
            keys = issued[0]
            if keys.token != signature.token:
                raise Refused("token", "The security token included in the request is invalid")
            return keys.secret
        key = self._others.get(signature.key)
        if key is None or not key["active"]:
            message = f"this AWS does not know the access key {signature.key}: its own keys are in {self._file}"
            raise Refused("unknown", message)
        if key["token"] != signature.token:
            raise Refused("token", "The security token included in the request is invalid")
        if key["until"] and now.timestamp() > key["until"]:
            raise Refused("token", "The security token included in the request is expired")
        return str(key["secret"])

    def learn(self, call: Mapping[str, str], answer: bytes, caller: Principal) -> None:
        """Take over what STS or IAM did with keys.

        Args:
            call: the parameters of a call that succeeded, `Action` among them.
            answer: its XML.
            caller: who made it.
        """
        action, key = call.get("Action", ""), call.get("AccessKeyId", "")
        if action in _HANDS_OUT:
            self._forget_what_is_over()
            self._keep(*_handed_out(call, answer, caller))
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


def _handed_out(call: Mapping[str, str], answer: bytes, caller: Principal) -> tuple[str, Document]:
    texts = {element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(answer).iter()}
    until = 0.0
    with suppress(KeyError, ValueError):
        until = datetime.fromisoformat(texts["Expiration"]).timestamp()
    return texts["AccessKeyId"], {
        "secret": texts["SecretAccessKey"],
        "token": texts.get("SessionToken", ""),
        "until": until,
        "active": True,
        "holder": _holder(call, texts, caller),
    }


def _holder(call: Mapping[str, str], texts: Mapping[str, str], caller: Principal) -> tuple[str, str, str]:
    """The fields of the `Principal` that has the new keys."""
    if call["Action"] == "CreateAccessKey":
        holder = Principal.of_user(texts["UserName"]) if texts.get("UserName") else caller
    elif call["Action"] == "AssumeRole":
        # A session's managed policies are not read: such a session may do nothing here.
        managed = any(name.startswith("PolicyArns") for name in call)
        policy = _NOTHING if managed else call.get("Policy", "")
        holder = Principal.of_session(call["RoleArn"], call["RoleSessionName"], policy)
    elif call["Action"] == "GetFederationToken":
        arn = f"{caller.arn.rpartition(':')[0]}:federated-user/{call['Name']}"
        holder = Principal(arn, caller.identity, call.get("Policy") or _NOTHING)
    else:
        holder = caller
    return holder.arn, holder.identity, holder.policy
