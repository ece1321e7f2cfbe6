"""The athena stack: a workgroup whose settings clients cannot override, and the named queries."""

from __future__ import annotations

from pathlib import Path
from string import Template

from cdktf_cdktf_provider_aws.athena_named_query import AthenaNamedQuery
from cdktf_cdktf_provider_aws.athena_workgroup import AthenaWorkgroup
from constructs import Construct

from lake.configuration.names import Names
from lake.configuration.reading import Lake
from stacks.base import LakeStack, literal
from stacks.bucket import SecureBucket
from stacks.notices import watch_queries

RESULT_DAYS = 30


class AthenaStack(LakeStack):
    """Owns the results of queries. They expire, and are deleted with the stack."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        self._results_bucket()
        workgroup = self._workgroup()
        for file in sorted((lake.root / lake.config.queries.folder).glob("*.sql")):
            self._named_query(file, workgroup)
        watch_queries(self, self.names.workgroup)
        self.output("workgroup", workgroup.name, "Athena workgroup for every query on the lake")

    def _results_bucket(self) -> None:
        bucket = SecureBucket(
            self,
            "results",
            names=self.names,
            purpose="athena",
            keeps_data=False,
            lake=self.lake,
            expire_days={"": RESULT_DAYS},
        )
        self.output("results_bucket", bucket.bucket.bucket, "Bucket of the query results")

    def _workgroup(self) -> AthenaWorkgroup:
        encryption = {"encryption_option": "SSE_KMS", "kms_key_arn": self.names.key_alias_arn}
        return AthenaWorkgroup(
            self,
            "workgroup",
            name=self.names.workgroup,
            description=f"Queries on the lake {self.names.prefix}",
            force_destroy=True,
            configuration={
                "enforce_workgroup_configuration": True,
                "publish_cloudwatch_metrics_enabled": True,
                "bytes_scanned_cutoff_per_query": self.lake.config.queries.bytes_scanned_cutoff,
                "engine_version": {"selected_engine_version": "Athena engine version 3"},
                "result_configuration": {
                    "output_location": f"s3://{self.names.bucket('athena')}/results/",
                    "encryption_configuration": encryption,
                },
            },
        )

    def _named_query(self, file: Path, workgroup: AthenaWorkgroup) -> None:
        AthenaNamedQuery(
            self,
            f"{file.stem}_query",
            name=file.stem,
            workgroup=workgroup.id,
            database=self.names.database("curated"),
            query=literal(statement(file, self.names)),
        )


def statement(file: Path, names: Names) -> str:
    """The SQL of a file, with `${raw}`, `${curated}`, `${streams}` and `${ml}` replaced by the databases' names."""
    databases = {zone: names.database(zone) for zone in ("raw", "curated", "streams", "ml")}
    return Template(file.read_text().strip()).safe_substitute(databases)
