"""The base of every stack: its provider, its state, and the names that all stacks share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cdktf import Fn, LocalBackend, S3Backend, S3BackendEndpointConfig, TerraformOutput, TerraformStack, Token
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lake.configuration.reading import Lake
from lake.deploying.backend import BUCKET_STACK, state_file, state_key
from lake.embedded.credentials import PROFILE, config_file, credentials_file

PROVIDER_VERSIONS = "~> 5.100.0"
"""The version that the tests apply. Accounts use the same one (docs/adr/0004-provider-range.md)."""

_NOT_STARTED = f"{PROFILE}: start the embedded AWS first, `lake local start`"


class LakeStack(TerraformStack):
    """A Terraform stack without references to other stacks."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake) -> None:
        super().__init__(scope, id_)
        self.lake = lake
        self._outputs = Construct(self, "outputs")
        self._provide()
        self._keep_state(id_)
        account = DataAwsCallerIdentity(self, "account").account_id
        self.names = lake.names(account)

    def output(self, name: str, value: str, description: str) -> None:
        output = TerraformOutput(self._outputs, name, value=value, description=description)
        output.override_logical_id(name)

    def _provide(self) -> None:
        environment = self.lake.environment
        # By `lake` AWS's bill tells one lake from another: a filter of costs joins two tags by "or".
        tags = self.lake.tags | {"lake": self.lake.names("").prefix, "stack": self.node.id}
        AwsProvider(
            self,
            "aws",
            region=environment.region,
            default_tags=[AwsProviderDefaultTags(tags=tags)],
            allowed_account_ids=[environment.account] if environment.account else None,
            **_embedded(self.lake),
        )
        self.add_override("terraform.required_providers.aws.version", PROVIDER_VERSIONS)

    def _keep_state(self, stack: str) -> None:
        state = self.lake.environment.state
        if state is None or stack == BUCKET_STACK:
            LocalBackend(self, path=str(state_file(self.lake, stack)))
            return
        backend = S3Backend(
            self,
            bucket=state.bucket,
            key=state_key(self.lake, stack),
            region=self.lake.environment.region,
            encrypt=True,
            **_embedded_bucket(self.lake),
        )
        # cdktf 0.21 has no argument for S3's own lock file.
        backend.add_override("use_lockfile", True)


def _embedded(lake: Lake) -> dict[str, Any]:
    """The provider's arguments for the embedded AWS: where to find its keys, and its endpoint for every service.

    The endpoint is in the profile, not in `endpoints`, with which the provider takes twice as long to start
    (docs/adr/0034-the-endpoint-is-in-the-profile.md).
    """
    if lake.environment.endpoint is None:
        return {}
    config = str(config_file(lake))
    return {
        # The provider reads the keys from their file. The user's own configuration is not mixed in.
        "shared_credentials_files": [str(credentials_file(lake))],
        "shared_config_files": [config],
        # Terraform's error quotes an invalid profile name, so a plan before the first start says what to do.
        "profile": Token.as_string(Fn.conditional(Fn.fileexists(config), PROFILE, _NOT_STARTED)),
        "s3_use_path_style": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": "true",
        "skip_region_validation": True,
        "max_retries": 8,
    }


def _embedded_bucket(lake: Lake) -> dict[str, Any]:
    """The backend's arguments for a bucket of the embedded AWS. It cannot take its address from the profile."""
    if lake.environment.endpoint is None:
        return {}
    return {
        "endpoints": S3BackendEndpointConfig(s3=lake.environment.endpoint),
        "shared_credentials_files": [str(credentials_file(lake))],
        "shared_config_files": [str(config_file(lake))],
        "profile": PROFILE,
        "use_path_style": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_region_validation": True,
        "skip_requesting_account_id": True,
    }


def literal(text: str) -> str:
    """Text of a person for Terraform, which would take `${` and `%{`, as in a grok pattern, for templates."""
    return text.replace("%{", "%%{").replace("${", "$${")


def literals(texts: Mapping[str, str]) -> dict[str, str]:
    """The same for each value."""
    return {name: literal(text) for name, text in texts.items()}
