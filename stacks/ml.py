"""The ml stack: feature groups, jobs that build training sets, and pipelines that train and register models."""

from __future__ import annotations

import json
from pathlib import Path

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.data_aws_sagemaker_prebuilt_ecr_image import DataAwsSagemakerPrebuiltEcrImage
from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_job import GlueJob, GlueJobCommand, GlueJobExecutionProperty
from cdktf_cdktf_provider_aws.glue_trigger import GlueTrigger, GlueTriggerActions
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_object import S3Object
from cdktf_cdktf_provider_aws.sagemaker_model_package_group import SagemakerModelPackageGroup
from cdktf_cdktf_provider_aws.sagemaker_pipeline import SagemakerPipeline
from constructs import Construct

from lake.configuration.model import MlModel, TrainingSet
from lake.configuration.reading import Lake
from lake.configuration.training import IMAGES, drift_arguments, training_spec
from lake.shipped import GLUE_SCRIPTS, ML_SCRIPTS
from stacks import ml_policies, policies
from stacks.base import LakeStack, literals
from stacks.bucket import SecureBucket
from stacks.job_settings import modules_of_matching
from stacks.lake_formation import granted
from stacks.ml_features import feature_group
from stacks.ml_pipeline import Places, definition
from stacks.notices import tell_of_failed_runs
from stacks.package import digest, packed, specification, uploaded, zipped

TEMPORARY_DAYS = 7
GLUE_VERSION = "5.1"
MINUTES = 120


class MlStack(LakeStack):
    """Owns the training sets, the models and the predictions: all of it is made from the lake, and goes with it."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_, lake=lake)
        self.bucket = self._bucket()
        self._database()
        if lake.config.training_sets:
            self._datasets()
        if lake.config.models:
            self._models()
        if lake.config.feature_groups:
            self._feature_groups()
        granted(self)

    def _bucket(self) -> S3Bucket:
        bucket = SecureBucket(
            self,
            "ml",
            names=self.names,
            purpose="ml",
            keeps_data=False,
            lake=self.lake,
            expire_days={"predicting/": TEMPORARY_DAYS},
        ).bucket
        self.output("ml_bucket", bucket.bucket, "Bucket of the training sets, models and predictions")
        return bucket

    def _database(self) -> None:
        database = GlueCatalogDatabase(
            self,
            "database",
            name=self.names.database("ml"),
            description=f"Predictions of the models of {self.names.prefix}",
            location_uri=f"s3://{self.names.bucket('ml')}/predictions/",
        )
        self.output("ml_database", database.name, "Database of the predictions")

    def _datasets(self) -> None:
        self.package = zipped(GLUE_SCRIPTS / "lake_etl", inside="lake_etl")
        self.dataset_role = self._role("dataset", "glue.amazonaws.com", *ml_policies.dataset(self.names))
        builds = self._code("build_script", GLUE_SCRIPTS / "build_dataset.py"), self._code("package", self.package)
        for name, training_set in self.lake.config.training_sets.items():
            self._dataset_job(name, training_set, *builds)
        jobs = [self.names.dataset_job(name) for name in self.lake.config.training_sets]
        tell_of_failed_runs(self, jobs, "datasets")

    def _feature_groups(self) -> None:
        role = self._role("features", "sagemaker.amazonaws.com", *ml_policies.features(self.names))
        for name, group in self.lake.config.feature_groups.items():
            feature_group(self, name, group, self.bucket, role)

    def _role(self, name: str, service: str, *statements: policies.Statement) -> IamRolePolicy:
        """A role with its policy; what uses the role waits for the policy."""
        role = IamRole(
            self,
            f"{name.replace('-', '_')}_role",
            name=self.names.role(name),
            assume_role_policy=policies.trust(service, self.names.account),
        )
        return IamRolePolicy(
            self, f"{name.replace('-', '_')}_policy", name=name, role=role.id, policy=policies.document(*statements)
        )

    def _dataset_job(self, name: str, training_set: TrainingSet, script: S3Object, package: S3Object) -> None:
        spec = specification(self, name, training_spec(self.lake.config, name), bucket=self.bucket.id)
        group = self.names.log_group("glue", f"dataset-{name}")
        modules = ",".join(modules_of_matching() if training_set.checks.find_matches else [])
        job = GlueJob(
            self,
            f"{name}_dataset_job",
            name=self.names.dataset_job(name),
            description=f"Builds the training set {name}",
            role_arn=self.names.role_arn("dataset"),
            command=GlueJobCommand(name="glueetl", python_version="3", script_location=self._uri(script)),
            default_arguments={
                "--job-language": "python",
                "--extra-py-files": self._uri(package),
                "--spec": self._uri(spec),
                "--raw_database": self.names.database("raw"),
                "--curated_database": self.names.database("curated"),
                "--ml_bucket": self.names.bucket("ml"),
                "--code_version": digest(self.package.read_bytes()),
                "--custom-logGroup-prefix": group,
                "--enable-metrics": "true",
                **({"--additional-python-modules": modules} if modules else {}),
            },
            glue_version=GLUE_VERSION,
            worker_type="G.1X",
            number_of_workers=2,
            timeout=MINUTES,
            max_retries=0,
            execution_property=GlueJobExecutionProperty(max_concurrent_runs=1),
            depends_on=[self.dataset_role, *self._logs(name, group)],
        )
        self.output(f"{name}_dataset_job", self.names.dataset_job(name), f"Glue job that builds {name}")
        if training_set.drift:
            GlueTrigger(
                self,
                f"{name}_drift_trigger",
                name=self.names.drift_trigger(name),
                type="SCHEDULED",
                schedule=training_set.drift.schedule,
                actions=[
                    GlueTriggerActions(job_name=job.name, arguments=literals(drift_arguments(training_set.drift)))
                ],
            )

    def _logs(self, name: str, group: str) -> list[CloudwatchLogGroup]:
        days = self.lake.config.retention.log_days
        return [
            CloudwatchLogGroup(self, f"{name}_dataset_{stream}_log", name=f"{group}/{stream}", retention_in_days=days)
            for stream in ("output", "error")
        ]

    def _models(self) -> None:
        frameworks = sorted({model.framework for model in self.lake.config.models.values()})
        self.images = {framework: self._image(framework) for framework in frameworks}
        self.evaluation = self._code("evaluate_script", ML_SCRIPTS / "evaluate.py")
        self._role("ml-job", "sagemaker.amazonaws.com", *ml_policies.job(self.names, frameworks))
        models = [self.names.model(name) for name in self.lake.config.models]
        self.pipeline_role = self._role(
            "ml-pipeline", "sagemaker.amazonaws.com", *ml_policies.pipeline(self.names, models)
        )
        for name, model in self.lake.config.models.items():
            self._model(name, model)

    def _image(self, framework: str) -> str:
        repository, tag = IMAGES[framework]
        image = DataAwsSagemakerPrebuiltEcrImage(self, f"{framework}_image", repository_name=repository, image_tag=tag)
        return image.registry_path

    def _model(self, name: str, model: MlModel) -> None:
        group = SagemakerModelPackageGroup(
            self,
            f"{name}_group",
            model_package_group_name=self.names.model(name),
            model_package_group_description=f"Versions of the model {name}",
        )
        script = self.lake.root / model.script
        source = uploaded(self, f"{name}_source", file=packed(script), bucket=self.bucket.id, folder=f"code/{name}")
        image = self.images[model.framework]
        places = Places(self.names, image, self._folder(source), self._folder(self.evaluation))
        SagemakerPipeline(
            self,
            f"{name}_pipeline",
            pipeline_name=self.names.model(name),
            pipeline_display_name=self.names.model(name),
            pipeline_description=f"Trains, evaluates and registers the model {name}",
            role_arn=self.names.role_arn("ml-pipeline"),
            pipeline_definition=json.dumps(definition(name, model, places), sort_keys=True),
            depends_on=[group, self.pipeline_role, source, self.evaluation],
        )
        self.output(f"{name}_pipeline", self.names.model(name), f"SageMaker pipeline of the model {name}")

    def _code(self, id_: str, file: Path) -> S3Object:
        return uploaded(self, id_, file=file, bucket=self.bucket.id, folder="scripts")

    def _uri(self, file: S3Object) -> str:
        return f"s3://{self.names.bucket('ml')}/{file.key}"

    def _folder(self, file: S3Object) -> str:
        """The URI of the folder that holds the file, and no other. What names it has to depend on the file."""
        return f"s3://{self.names.bucket('ml')}/{str(file.key_input).rpartition('/')[0]}/"
