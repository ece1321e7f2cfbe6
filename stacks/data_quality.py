"""The rules of a job as a Glue Data Quality ruleset, so that AWS can also evaluate them on the current table."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.glue_data_quality_ruleset import (
    GlueDataQualityRuleset,
    GlueDataQualityRulesetTargetTable,
)
from constructs import Construct

from lake.configuration.expectations import ruleset
from lake.configuration.model import Job
from lake.configuration.names import Names


def data_quality_ruleset(scope: Construct, names: Names, name: str, job: Job) -> None:
    """The ruleset of a job's expectations for its table."""
    database = names.database("curated")
    GlueDataQualityRuleset(
        scope,
        f"{name}_ruleset",
        name=names.ruleset(name),
        description=f"Rules for {job.sink.table}",
        ruleset=ruleset(job),
        target_table=GlueDataQualityRulesetTargetTable(database_name=database, table_name=job.sink.table),
    )
