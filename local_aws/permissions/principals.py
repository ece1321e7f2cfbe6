"""Who makes a call."""

from __future__ import annotations

from dataclasses import dataclass

ACCOUNT = "000000000000"
CALLER = "local_aws.caller"
"""Under this name, the scope of a request has its `Principal`."""


@dataclass(frozen=True)
class Principal:
    """The caller.

    Attributes:
        arn: as AWS's messages have it, for example `arn:aws:sts::000000000000:assumed-role/etl/session`; of a service
            its name, `glue.amazonaws.com`.
        identity: the ARN of the role or user whose policies count; empty for the account's root and for a service.
        policy: of a session that was made with one, in JSON: what the session may do at most.
    """

    arn: str
    identity: str = ""
    policy: str = ""

    @property
    def is_root(self) -> bool:
        return self == ROOT

    @property
    def is_service(self) -> bool:
        return not self.arn.startswith("arn:")

    @classmethod
    def of_user(cls, name: str) -> Principal:
        arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
        return cls(arn, arn)

    @classmethod
    def of_session(cls, role: str, session: str, policy: str = "") -> Principal:
        """`role`: an ARN, which may have a path; the session's has none."""
        return cls(f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{session}", role, policy)


ROOT = Principal(f"arn:aws:iam::{ACCOUNT}:root")
AWS = Principal("aws.internal")
"""The embedded AWS itself: what its services do on their own account, and nobody's role has to allow."""


def role_arn(role: str) -> str:
    """The ARN of a role that a service was given by its ARN, by `path/name` or by its name."""
    return role if role.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:role/{role}"
