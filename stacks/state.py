"""The state stack: the bucket of all other stacks' state. `lake bootstrap` applies it; no other command does."""

from __future__ import annotations

from cdktf import App
from constructs import Construct

from lake.configuration.reading import Lake
from lake.deploying.backend import BUCKET_STACK
from stacks.app import run
from stacks.base import LakeStack
from stacks.bucket import SecureBucket


class StateStack(LakeStack):
    """Owns the history of all others, so nothing destroys it. Terraform locks a state by a file beside it."""

    def __init__(self, scope: Construct, id_: str, *, lake: Lake, bucket: str) -> None:
        super().__init__(scope, id_, lake=lake)
        SecureBucket(self, "bucket", names=self.names, purpose="state", keeps_data=True, lake=lake, alone=bucket)
        self.output("state_bucket", bucket, "Bucket of Terraform's state")


def build_app(lake: Lake) -> App:
    app = App()
    if lake.environment.state:
        StateStack(app, BUCKET_STACK, lake=lake, bucket=lake.environment.state.bucket)
    return app


if __name__ == "__main__":
    run(build_app)
