"""What `lake connect redshift` prints."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from typer.testing import CliRunner

from lake.cli import app
from lake.configuration.names import Names
from lake.configuration.reading import load
from lake.data.redshift import spectrum
from tests.embedded import lend_keys

ROOT = Path(__file__).parents[2]
NAMES = Names("flights", "dev", "eu-west-1", "123456789012")
SPECTRUM = spectrum(NAMES, load(ROOT / "lake.yaml", "dev").config)


def test_every_database_is_an_external_schema_read_by_the_role() -> None:
    statements = SPECTRUM.sql.split("\n\n")

    assert len(statements) == 3
    assert statements[1] == (
        "CREATE EXTERNAL SCHEMA IF NOT EXISTS flights_dev_curated\n"
        "FROM DATA CATALOG DATABASE 'flights_dev_curated'\n"
        "REGION 'eu-west-1'\n"
        "IAM_ROLE 'arn:aws:iam::123456789012:role/flights-dev-redshift';"
    )


def test_the_role_reads_this_lake_and_nothing_else() -> None:
    resources = [resource for statement in SPECTRUM.policy["Statement"] for resource in statement["Resource"]]
    actions = {action for statement in SPECTRUM.policy["Statement"] for action in statement["Action"]}

    assert all("flights-dev" in r or "flights_dev" in r or r.endswith((":catalog", ":key/*")) for r in resources)
    assert not [
        action for action in actions if not action.split(":")[1].startswith(("Get", "BatchGet", "List", "Decrypt"))
    ]
    [key] = [statement for statement in SPECTRUM.policy["Statement"] if statement["Action"] == ["kms:Decrypt"]]
    assert key["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/flights-dev"}}


def test_only_redshift_can_assume_the_role() -> None:
    [statement] = SPECTRUM.trust["Statement"]

    assert statement["Principal"] == {"Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]}


def test_the_commands_that_make_the_role_can_be_pasted_into_a_shell() -> None:
    create, put = (shlex.split(line) for line in SPECTRUM.commands().splitlines())

    assert create[:5] == ["aws", "iam", "create-role", "--role-name", "flights-dev-redshift"]
    assert json.loads(create[-1]) == SPECTRUM.trust
    assert json.loads(put[-1]) == SPECTRUM.policy


def test_the_command_prints_the_sql_and_the_commands(tmp_path: Path, endpoint: str) -> None:
    environments = f"{{local: {{endpoint: '{endpoint}', region: us-east-1}}}}"
    file = tmp_path / "lake.yaml"
    file.write_text(f"project: lab\nenvironments: {environments}\n")
    lend_keys(endpoint, tmp_path)

    shown = CliRunner().invoke(app, ["--file", str(file), "connect", "redshift"])

    assert shown.exit_code == 0, shown.output
    assert "FROM DATA CATALOG DATABASE 'lab_local_raw'" in shown.output
    assert "aws iam create-role --role-name lab-local-redshift" in shown.output
    assert "lab_local_streams" not in shown.output
