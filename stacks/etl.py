"""The etl stack: a Glue job per job of lake.yaml, with its code, its role and its logs."""

from __future__ import annotations

from pathlib import Path

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.glue_job import GlueJob, GlueJobCommand
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_object import S3Object
from constructs import Construct

from lake.configuration.connections import connections_of
from lake.configuration.features import FEATURES
from lake.configuration.job_spec import job_spec, places
from lake.configuration.model import Connection, Job, JobSettings, ScriptJob
from lake.configuration.reading import Lake
from lake.shipped import GLUE_SCRIPTS, scala_script
from stacks import policies
from stacks.base import LakeStack
from stacks.bucket import SecureBucket
from stacks.data_quality import data_quality_ruleset
from stacks.encryption import encrypted_runs, security_configuration
from stacks.job_settings import arguments, modules_of_matching, properties
from stacks.lake_formation import granted
from stacks.ml_transforms import find_matches_transform, warn
from stacks.notices import tell_of_failed_runs, tell_of_late_runs, watch_runs
from stacks.package import specification, uploaded, written, zipped
from stacks.workflows import glue_workflow

TEMPORARY_DAYS = 7
WRITTEN = ("etl", "curated", "quarantine")
"""The buckets that jobs write to. Hadoop looks there for unfinished uploads of earlier runs."""
COMMANDS = {"batch": "glueetl", "streaming": "gluestreaming", "shell": "pythonshell"}


class EtlStack(LakeStack):
    """Owns the logs of runs, and the bucket of scripts and temporary files."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        self.bucket = self._bucket()
        languages = sorted({job.language for job in lake.config.jobs.values()})
        self.scripts = {name: self._code(f"{name}_script", _script(name)) for name in languages}
        if "python" in languages or any(map(finds_matches, lake.config.jobs.values())):
            self.package = self._code("package", zipped(GLUE_SCRIPTS / "lake_etl", inside="lake_etl"))
        self._role()
        self.logs_key = security_configuration(self, self.lake, self.names) if self._encrypted else None
        jobs = [self._job(name, job) for name, job in lake.config.jobs.items()]
        for name, transform in lake.config.ml_transforms.items():
            find_matches_transform(self, name, transform, self.role)
        warn(self)
        jobs += [self._script_job(name, job) for name, job in lake.config.scripts.items()]
        names = [self.names.job(name) for name in lake.config.every_job]
        tell_of_failed_runs(self, names)
        tell_of_late_runs(self, names)
        for name, job in lake.config.every_job.items():
            if job.stale_hours:
                watch_runs(self, name, job.stale_hours)
        for name, workflow in lake.config.workflows.items():
            glue_workflow(self, name, workflow, names=self.names, jobs=jobs)
        granted(self)

    def _bucket(self) -> S3Bucket:
        bucket = SecureBucket(
            self,
            "etl",
            names=self.names,
            purpose="etl",
            keeps_data=False,
            lake=self.lake,
            expire_days={"temp/": TEMPORARY_DAYS},
        ).bucket
        self.output("etl_bucket", bucket.bucket, "Bucket of the jobs' scripts and temporary files")
        return bucket

    def _code(self, id_: str, file: Path) -> S3Object:
        return uploaded(self, id_, file=file, bucket=self.bucket.id, folder="scripts")

    def _job(self, name: str, job: Job) -> GlueJob:
        glue_name = self.names.job(name)
        self.output(f"{name}_job_name", glue_name, f"Glue job that writes {job.sink.table}")
        script = self.scripts[job.language]
        spec = specification(self, name, job_spec(self.lake, name, job), bucket=self.bucket.id)
        if job.expect and job.sink.connection is None:
            data_quality_ruleset(self, self.names, name, job)
        return GlueJob(
            self,
            f"{name}_job",
            name=glue_name,
            description=f"Writes the table {job.sink.table} from {job.source}",
            role_arn=self.role.arn,
            command=GlueJobCommand(name="glueetl", python_version="3", script_location=self._uri(script)),
            default_arguments=self._language(name, job) | self._arguments(name, job) | {"--spec": self._uri(spec)},
            connections=self._networks(job) or None,
            depends_on=[self.role_policy, *self._logs(name, job)],
            **properties(self.names, job),
        )

    def _script_job(self, name: str, job: ScriptJob) -> GlueJob:
        """A user's own script. It has the role and arguments of the lake's own jobs, except the specification."""
        self.output(f"{name}_job_name", self.names.job(name), f"Glue job that runs {job.script}")
        file = self.lake.root / job.script
        script = uploaded(self, f"{name}_script", file=file, bucket=self.bucket.id, folder=f"scripts/{name}")
        python = "3.9" if job.type == "shell" else "3"
        command = GlueJobCommand(name=COMMANDS[job.type], python_version=python, script_location=self._uri(script))
        logs = [] if job.type == "shell" else self._logs(name, job)
        return GlueJob(
            self,
            f"{name}_job",
            name=self.names.job(name),
            description=f"Runs {job.script}",
            role_arn=self.role.arn,
            command=command,
            default_arguments=self._script_language(name, job) | self._arguments(name, job),
            connections=self._in_network(job.connections) or None,
            depends_on=[self.role_policy, *logs],
            **properties(self.names, job),
        )

    def _script_language(self, name: str, job: ScriptJob) -> dict[str, str]:
        if job.language == "scala":
            return {"--job-language": "scala", "--class": "GlueApp"}
        modules = ",".join(self._uri(file) for file in self._modules(name, job))
        return {"--job-language": "python"} | ({"--extra-py-files": modules} if modules else {})

    def _language(self, name: str, job: Job) -> dict[str, str]:
        if job.language == "scala":
            matching = {"--lake_etl": self._uri(self.package)} if finds_matches(job) else {}
            return {"--job-language": "scala", "--class": "GlueApp", "--aws_region": self.names.region, **matching}
        files = ",".join(self._uri(file) for file in [self.package, *self._modules(name, job)])
        return {"--job-language": "python", "--extra-py-files": files}

    def _modules(self, name: str, job: JobSettings) -> list[S3Object]:
        """The user's own Python files, each importable by its file name."""
        folder, bucket = f"modules/{name}", self.bucket.id
        return [
            uploaded(self, f"{name}_module_{number}", file=self.lake.root / file, bucket=bucket, folder=folder)
            for number, file in enumerate(job.py_files)
        ]

    def _arguments(self, name: str, job: JobSettings) -> dict[str, str]:
        """The arguments of a job: the lake's databases and buckets, and its own settings."""
        return {
            "--TempDir": f"s3://{self.names.bucket('etl')}/temp/{name}/",
            **places(self.names),
            **arguments(self.names, name, job, matching_modules(job)),
        }

    @property
    def _encrypted(self) -> bool:
        return any(job.encryption for job in self.lake.config.every_job.values())

    def _special(self) -> list[policies.Statement]:
        """The permissions that only some jobs need."""
        # All shell jobs of an account log to these groups. The names are fixed.
        shell = self.names.arn("logs", "log-group:/aws-glue/python-jobs/*")
        logging = policies.allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [shell])
        shells = [logging] if any(job.type == "shell" for job in self.lake.config.scripts.values()) else []
        return [*shells, *(encrypted_runs(self.names) if self._encrypted else [])]

    def _features(self) -> list[policies.Statement]:
        """For jobs that add rows to feature groups: find the tables of these, and add files where they say."""
        groups = [job.sink.feature_group for job in self.lake.config.jobs.values() if job.sink.feature_group]
        if not groups:
            return []
        database = self.names.database("ml")
        places = ["catalog", f"database/{database}", *(f"table/{database}/{group}" for group in sorted(set(groups)))]
        return [
            *policies.write_objects(self.names, "ml", f"{FEATURES}/"),
            policies.allow(["s3:ListBucketMultipartUploads"], [self.names.bucket_arn("ml")]),
            policies.allow(["glue:GetTable"], [self.names.arn("glue", place) for place in places]),
        ]

    def _networks(self, job: Job) -> list[str]:
        return self._in_network(connections_of(self.lake.config, job))

    def _in_network(self, named: list[str]) -> list[str]:
        """The connections for which Glue creates network interfaces. Only these make it run a job in a VPC."""
        connections = self.lake.config.connections
        return [self.names.connection(name) for name in named if connections[name].network]

    def _connections(self) -> dict[str, Connection]:
        config = self.lake.config
        used = {name for job in config.jobs.values() for name in connections_of(config, job)}
        used |= {name for job in config.scripts.values() for name in job.connections}
        return {name: connection for name, connection in config.connections.items() if name in used}

    def _uri(self, file: S3Object) -> str:
        return f"s3://{self.names.bucket('etl')}/{file.key}"

    def _logs(self, name: str, job: JobSettings) -> list[CloudwatchLogGroup]:
        group = self.names.job_logs(name, encrypted=job.encryption)
        return [
            CloudwatchLogGroup(
                self,
                f"{name}_{stream}_log",
                name=f"{group}/{stream}",
                retention_in_days=self.lake.config.retention.log_days,
                kms_key_id=self.logs_key.arn if self.logs_key and job.encryption else None,
            )
            for stream in ("output", "error")
        ]

    def _role(self) -> None:
        self.role = IamRole(
            self,
            "job_role",
            name=self.names.role("job"),
            assume_role_policy=policies.trust("glue.amazonaws.com", self.names.account),
        )
        curated = policies.catalog(self.names, self.names.database("curated"))
        groups = self.names.arn("logs", f"log-group:{self.names.log_group('glue', '*')}")
        # A person's own script may use the catalog in other ways than this lake's jobs do.
        reads, writes = policies.READ_TABLES, policies.WRITE_TABLES
        if self.lake.config.scripts:
            reads, writes = policies.READ_CATALOG, policies.WRITE_CATALOG
        self.role_policy = IamRolePolicy(
            self,
            "job_policy",
            name="transform",
            role=self.role.id,
            policy=policies.document(
                *policies.read_objects(self.names, "raw"),
                *policies.read_objects(self.names, "etl"),
                *policies.write_objects(self.names, "etl", "temp/"),
                *policies.write_objects(self.names, "curated"),
                *policies.write_objects(self.names, "quarantine"),
                policies.allow(["s3:ListBucketMultipartUploads"], [self.names.bucket_arn(name) for name in WRITTEN]),
                policies.use_key(self.names, "Decrypt", "GenerateDataKey"),
                policies.allow(reads, policies.catalog(self.names, self.names.database("raw"))),
                policies.allow([*reads, *writes, *self._deletions()], curated),
                policies.allow(["glue:GetJobRun"], [self.names.arn("glue", f"job/{self.names.job('*')}")]),
                *policies.use_connections(self.names, self._connections()),
                *self._features(),
                policies.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [groups]),
                *self._special(),
                policies.allow(["cloudwatch:PutMetricData"], ["*"], StringEquals={"cloudwatch:namespace": ["Glue"]}),
            ),
        )

    def _deletions(self) -> list[str]:
        """An incremental job drops partitions for which a repeated batch, or a full refresh, has no rows."""
        return ["glue:DeletePartition"] if any(job.incremental for job in self.lake.config.jobs.values()) else []


def _script(language: str) -> Path:
    """The script that Glue runs for jobs of steps in this language."""
    return written("RunJob.scala", scala_script()) if language == "scala" else GLUE_SCRIPTS / "run_job.py"


def matching_modules(job: JobSettings) -> list[str]:
    """The Python packages that Glue must install for a job with find_matches."""
    return modules_of_matching() if finds_matches(job) else []


def finds_matches(job: JobSettings) -> bool:
    return isinstance(job, Job) and any(step.find_matches for step in job.steps)
