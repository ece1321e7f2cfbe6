"""AWS's own FindMatches transforms."""

from __future__ import annotations

from cdktf import Annotations
from cdktf_cdktf_provider_aws.glue_ml_transform import (
    GlueMlTransform,
    GlueMlTransformInputRecordTables,
    GlueMlTransformParameters,
    GlueMlTransformParametersFindMatchesParameters,
)
from cdktf_cdktf_provider_aws.iam_role import IamRole

from lake.configuration.connections import crawled_table
from lake.configuration.model import MlTransform
from lake.configuration.rules import warnings
from stacks.base import LakeStack

GLUE_VERSION = "2.0"  # the only version that ran FindMatches with confidence scores


def find_matches_transform(stack: LakeStack, name: str, transform: MlTransform, role: IamRole) -> None:
    """A machine learning transform on the raw table of a dataset. The table must already be in the catalog."""
    config = stack.lake.config
    matching = GlueMlTransformParametersFindMatchesParameters(
        primary_key_column_name=transform.primary_key,
        precision_recall_trade_off=transform.precision_recall,
        accuracy_cost_trade_off=transform.accuracy_cost,
        enforce_provided_labels=transform.enforce_labels,
    )
    table = GlueMlTransformInputRecordTables(
        database_name=stack.names.database("raw"), table_name=crawled_table(config, transform.dataset)
    )
    GlueMlTransform(
        stack,
        f"{name}_transform",
        name=stack.names.ml_transform(name),
        description=f"Finds records of the same entity in {transform.dataset}",
        role_arn=role.arn,
        glue_version=GLUE_VERSION,
        max_capacity=transform.max_capacity,
        input_record_tables=[table],
        parameters=GlueMlTransformParameters(transform_type="FIND_MATCHES", find_matches_parameters=matching),
    )


def warn(stack: LakeStack) -> None:
    """Add the warnings about lake.yaml to the synth output."""
    for warning in warnings(stack.lake.config, stack.lake.env):
        Annotations.of(stack).add_warning(warning)
