"""Patterns and types that several fields of lake.yaml share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

PROJECT = r"^[a-z][a-z0-9-]*[a-z0-9]$"
NAME = r"^[a-z][a-z0-9_]*$"
ENVIRONMENT = r"^[a-z][a-z0-9]*$"
TYPE = r"^(string|boolean|tinyint|smallint|int|bigint|float|double|date|timestamp|decimal\(\d+,\d+\))$"
REGION = r"^[a-z]{2}(-[a-z]+)+-\d$"
ACCOUNT = r"^\d{12}$"
FUNCTION = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"
PYTHON_FILE = r"^[\w./-]+\.py$"
CONDITION = r"""^[^"\\]+$"""
AGGREGATE = r"^(count|(sum|avg|min|max|distinct)\([a-z][a-z0-9_]*\))$"
SCRIPT = r"^[\w./-]+\.(py|scala)$"
ARGUMENT = r"^--[A-Za-z][\w.-]*$"
REQUIREMENT = r"^[A-Za-z0-9][\w.-]*(\[[\w,-]+\])?([=<>!~]=?=?[\w.*,<>=!~-]+)?$"
SPARK_CONF = r"^spark\.[\w.-]+$"
ENDED = dict.fromkeys(("0.9", "1.0", "2.0"), "2026-04-01")
"""Glue versions past their end of life."""
LOOPBACK = r"^http://(127\.0\.0\.1|localhost):\d{2,5}$"
HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"
DATABASE = r"^\w[\w-]*$"
SUBNET = r"^subnet-[0-9a-f]+$"
SECURITY_GROUP = r"^sg-[0-9a-f]+$"
ZONE = r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$"
DATABASE_TABLE = r"^[A-Za-z_]\w*\.[A-Za-z_]\w*$"
SINK_TABLE = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$"
COLUMN_TYPE = rf"({TYPE}|^(array|map|struct)<[a-z0-9_:,<>() ]+>$)"
JSON_PATH = r"^\$(\.[A-Za-z_]\w*)*(\[\*\])?$"
JQ = r"^\S[^\r\n]*$"
FOLDER = r"^[\w./-]+$"
EXTENSION = r"^\.[0-9a-z!\-_.*'()]{0,127}$"
INSTANCE = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"
CRON = r"^cron\(\S+ \S+ \S+ \S+ \S+ \S+\)$"
EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
ALLOWED = {
    EMAIL: "an e-mail address, such as ann@example.org",
    PROJECT: "lower-case letters, digits and hyphens, such as flights",
    NAME: "lower-case letters, digits and underscores, such as arr_delay",
    ENVIRONMENT: "lower-case letters and digits, such as dev, because bucket names contain it",
    TYPE: "string, boolean, tinyint, smallint, int, bigint, float, double, date, timestamp or decimal(precision,scale)",
    COLUMN_TYPE: "string, int, bigint, double, ..., decimal(precision,scale), array<type>, map<type,type> or "
    "struct<name:type,...>",
    JSON_PATH: "the path of the records, such as $.records[*], $[*] or $.detail",
    REGION: "an AWS region, such as eu-west-1",
    ACCOUNT: "the 12 digits of an AWS account, in quotes",
    FUNCTION: "module.function, such as my_rules.is_far",
    PYTHON_FILE: "a Python file, such as my_rules.py",
    CONDITION: 'a SQL condition without " and \\, strings in single quotes',
    AGGREGATE: "count, or sum, avg, min, max or distinct of a column, such as avg(dep_delay). Flink has no percentile",
    SCRIPT: "a Python or Scala file, such as jobs/hello.py",
    ARGUMENT: "--name, such as --threshold",
    REQUIREMENT: "a package, with its version if it matters, such as holidays==0.83",
    SPARK_CONF: "a Spark setting, such as spark.sql.shuffle.partitions",
    LOOPBACK: "http://127.0.0.1:PORT, because the embedded AWS listens on loopback only",
    HOST: "a host name or address, such as db.example.org",
    DATABASE: "a database name: letters, digits, underscores and hyphens",
    SUBNET: "a subnet id, such as subnet-0123456789abcdef0",
    SECURITY_GROUP: "a security group id, such as sg-0123456789abcdef0",
    ZONE: "the subnet's availability zone, such as eu-west-1a",
    DATABASE_TABLE: "schema.table, such as public.customers",
    SINK_TABLE: "a catalog table, such as flights, or with a connection schema.table, such as public.flights",
    JQ: "a JQ expression on one line, such as .origin",
    FOLDER: "a folder, such as transforms/enrich",
    EXTENSION: "a dot and lower-case letters, digits or one of !-_.*'(), such as .json.gz",
    INSTANCE: "an instance type of SageMaker, such as ml.m5.large",
    CRON: "AWS's six fields in UTC: cron(minutes hours day-of-month month day-of-week year)",
}
ProjectName = Annotated[str, Field(pattern=PROJECT)]
Name = Annotated[str, Field(pattern=NAME)]
EnvironmentName = Annotated[str, Field(pattern=ENVIRONMENT)]
WorkerType = Literal["G.025X", "G.1X", "G.2X", "G.4X", "G.8X"]
ColumnType = Annotated[str, Field(pattern=TYPE)]
DeclaredType = Annotated[str, Field(pattern=COLUMN_TYPE)]


def _listed(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


Columns = Annotated[list[Name], BeforeValidator(_listed, json_schema_input_type=Name | list[Name])]
"""One column, or several."""
Keys = Annotated[
    list[Name] | dict[Name, Name], BeforeValidator(_listed, json_schema_input_type=Name | list[Name] | dict[Name, Name])
]
"""One key or several; a mapping if the other side uses different names."""


class Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
