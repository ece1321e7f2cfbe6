"""Where a lake is deployed, and the databases it connects to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import (
    ACCOUNT,
    DATABASE,
    EMAIL,
    HOST,
    LOOPBACK,
    REGION,
    SECURITY_GROUP,
    SUBNET,
    ZONE,
    Model,
)


class State(Model):
    bucket: str
    """The S3 bucket that keeps Terraform's state, with the account's number in its name. `lake bootstrap` makes it."""


class Budget(Model):
    monthly_usd: Annotated[float, Field(gt=0)]
    """US dollars a month. The lake's topic is told at 80 and at 100 %, and where AWS forecasts more."""
    emails: Annotated[list[Annotated[str, Field(pattern=EMAIL)]], Field(max_length=10)] = []
    """Who is also told by mail."""


class Environment(Model):
    region: Annotated[str, Field(pattern=REGION)]
    """The AWS region."""
    endpoint: Annotated[str, Field(pattern=LOOPBACK)] | None = None
    """Set for the embedded AWS only. Without it, the environment is an AWS account."""
    buffer_speed: Annotated[float, Field(ge=1, le=3600)] = 60
    """The embedded AWS only: how many times faster than on AWS the clock of Firehose's buffers runs."""
    account: Annotated[str, Field(pattern=ACCOUNT)] | None = None
    """The 12-digit account id, in quotes. Commands refuse a login to any other account."""
    destroyable: bool = False
    """Whether data may be deleted. The command also needs `--delete-data`."""
    personal: bool = False
    """Whether each user gets their own copy. All names then contain the user name, from `LAKE_USER` or the login."""
    state: State | None = None
    """Where Terraform keeps its state. Without it, in `.state/<environment>/` beside lake.yaml."""
    lake_formation: bool = False
    """Whether Lake Formation decides on tables in the account. The stacks then grant the lake's roles theirs."""
    budget: Budget | None = None
    """What the lake may cost. It stops nothing; the tag `lake` has to be active for cost allocation in the account."""


class Network(Model):
    subnet: Annotated[str, Field(pattern=SUBNET)]
    """The subnet in which crawlers and jobs run."""
    security_groups: Annotated[list[Annotated[str, Field(pattern=SECURITY_GROUP)]], Field(min_length=1)]
    """The security groups. AWS requires that one of them allows all inbound TCP from itself."""
    zone: Annotated[str, Field(pattern=ZONE)]
    """The availability zone of the subnet."""


class Connection(Model):
    type: Literal["postgresql", "network"]
    """A PostgreSQL database, or only access to a VPC (`network`)."""
    host: Annotated[str, Field(pattern=HOST)] | None = None
    """The database host: name or address. Required, except with `type: network`."""
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    """The TCP port. Default: the standard port of the database, 5432 for PostgreSQL."""
    database: Annotated[str, Field(pattern=DATABASE)] | None = None
    """The database name. Required, except with `type: network`."""
    ssl: bool = True
    """Encrypt the connection. The server's certificate is not verified."""
    network: Network | None = None
    """Where in the VPC crawlers and jobs run to reach the database."""
