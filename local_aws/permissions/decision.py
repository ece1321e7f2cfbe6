"""Whether a call is allowed, by the policies that count: of the caller, of the resource, and the caller's boundary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_aws.permissions.conditions import Keys, filled, hold, like, listed
from local_aws.permissions.principals import ACCOUNT, ROOT, Principal

Policy = Mapping[str, Any]
"""A policy document."""


@dataclass(frozen=True)
class Ask:
    """One permission that a call needs.

    Attributes:
        action: for example `s3:GetObject`.
        resource: an ARN, or `*` of an action that knows no resource.
        keys: the condition keys of this call, in lower case.
    """

    action: str
    resource: str
    keys: Keys = field(default_factory=dict)


@dataclass(frozen=True)
class Policies:
    """What counts for one ask. What is None bounds nothing, or grants nothing."""

    identity: Sequence[Policy] = ()
    boundary: Policy | None = None
    session: Policy | None = None
    resource: Policy | None = None


def refusal(ask: Ask, caller: Principal, policies: Policies) -> str:
    """Why the caller may not, in AWS's words; empty where it may."""
    why = _reason(ask, caller, policies)
    resource = f'"{ask.resource}"' if ask.action.startswith("s3:") else ask.resource
    return why and f"User: {caller.arn} is not authorized to perform: {ask.action} on resource: {resource} {why}"


def _reason(ask: Ask, caller: Principal, policies: Policies) -> str:
    for kind, document in _all(policies):
        if any(s["Effect"] == "Deny" and _concerns(s, caller, kind) for s in _matching(document, ask)):
            return f"with an explicit deny in {kind}"
    grant = _resource_grant(ask, caller, policies.resource)
    if grant in (caller.arn, "*"):
        return ""
    if _is_up_to_the_resource(ask) and not grant:
        return f"because no resource-based policy allows the {ask.action} action"
    if grant != caller.identity and not any(_allows(document, ask) for document in policies.identity):
        return f"because no identity-based policy allows the {ask.action} action"
    if policies.boundary is not None and not _allows(policies.boundary, ask):
        return f"because no permissions boundary allows the {ask.action} action"
    if policies.session is not None and not _allows(policies.session, ask):
        return f"because no session policy allows the {ask.action} action"
    return ""


def _is_up_to_the_resource(ask: Ask) -> bool:
    """A key and a role are used by those only that their own policies let in, or leave to the account.

    What is asked of no key, or of one that there is not, has no such policy.
    """
    return (ask.action.startswith("kms:") and ":key/" in ask.resource) or ask.action == "sts:AssumeRole"


def _all(policies: Policies) -> Iterator[tuple[str, Policy]]:
    for document in policies.identity:
        yield "an identity-based policy", document
    if policies.boundary is not None:
        yield "a permissions boundary", policies.boundary
    if policies.session is not None:
        yield "a session policy", policies.session
    if policies.resource is not None:
        yield "a resource-based policy", policies.resource


def _concerns(statement: Policy, caller: Principal, kind: str) -> bool:
    if kind != "a resource-based policy":
        return True
    return not _excepts(statement, caller) if "NotPrincipal" in statement else bool(_names(statement, caller))


def _excepts(statement: Policy, caller: Principal) -> bool:
    """Whether a denial spares the caller: it lists a session and its role, as AWS asks for, or a user."""
    principal = statement["NotPrincipal"]
    named = ["*"] if principal == "*" else listed(principal.get("Service" if caller.is_service else "AWS", []))
    own = {caller.arn, caller.identity} - {""}
    return "*" in named or own <= set(named) or (caller.is_root and ACCOUNT in named)


def _resource_grant(ask: Ask, caller: Principal, document: Policy | None) -> str:
    """As whom a resource's policy lets the caller in: the most direct one; empty where it does not."""
    if document is None:
        return ""
    grants = {_names(s, caller) for s in _matching(document, ask) if s["Effect"] == "Allow"}
    order = ("*", caller.arn, caller.identity, ROOT.arn)
    return next((grant for grant in order if grant and grant in grants), "")


def _names(statement: Policy, caller: Principal) -> str:
    """As whom a statement of a resource's policy names the caller: `*`, an ARN of its, or the account's root."""
    principal = statement.get("Principal", {})
    if principal == "*":
        return "*"
    named = listed(principal.get("Service" if caller.is_service else "AWS", []))
    if "*" in named:
        return "*"
    of_account = (ROOT.arn, ACCOUNT) if not caller.is_service else ()
    for grant in (caller.arn, caller.identity):
        if grant and grant in named:
            return grant
    return ROOT.arn if any(each in of_account for each in named) else ""


def _allows(document: Policy, ask: Ask) -> bool:
    return any(statement["Effect"] == "Allow" for statement in _matching(document, ask))


def _matching(document: Policy, ask: Ask) -> Iterator[Policy]:
    """The statements about this ask. Raises NotEvaluatedError."""
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        if _about(statement, ask) and hold(statement.get("Condition", {}), ask.keys):
            yield statement


def _about(statement: Policy, ask: Ask) -> bool:
    action = ask.action.lower()
    if "NotAction" in statement:
        is_action = not any(like(each.lower(), action) for each in listed(statement["NotAction"]))
    else:
        is_action = any(like(each.lower(), action) for each in listed(statement.get("Action", [])))
    if not is_action:
        return False
    if "NotResource" in statement:
        return not any(like(filled(each, ask.keys), ask.resource) for each in listed(statement["NotResource"]))
    # A role's trust policy names no resource: it is the role.
    return any(like(filled(each, ask.keys), ask.resource) for each in listed(statement.get("Resource", "*")))
