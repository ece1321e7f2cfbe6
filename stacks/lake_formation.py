"""Grants of Lake Formation, in an account where it decides on tables (`lake_formation: true`)."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.lakeformation_permissions import (
    LakeformationPermissions,
    LakeformationPermissionsDatabase,
    LakeformationPermissionsTable,
)

from lake.configuration.grants import grants
from stacks.base import LakeStack


def granted(stack: LakeStack) -> None:
    """What the roles of a stack may do, once the rest of the stack is made."""
    if not stack.lake.environment.lake_formation:
        return
    # A grant names a role and a database, and both have to be there.
    after = [made for made in stack.node.find_all() if isinstance(made, IamRole | GlueCatalogDatabase)]
    for grant in grants(stack.lake, stack.names):
        if grant.stack != stack.node.id:
            continue
        what = "tables" if grant.tables else "database"
        table = LakeformationPermissionsTable(database_name=grant.database, wildcard=True)
        LakeformationPermissions(
            stack,
            f"{grant.role.replace('-', '_')}_{grant.database}_{what}_grant",
            principal=stack.names.role_arn(grant.role),
            permissions=list(grant.permissions),
            table=table if grant.tables else None,
            database=None if grant.tables else LakeformationPermissionsDatabase(name=grant.database),
            depends_on=after,
        )
