from __future__ import annotations

from lake.configuration.names import BUCKETS, Names

NAMES = Names("flights", "dev", "eu-west-1", "123456789012")


def test_names_contain_project_environment_and_for_global_names_the_account() -> None:
    assert NAMES.bucket("raw") == "flights-dev-raw-123456789012"
    assert NAMES.database("raw") == "flights_dev_raw"
    assert NAMES.role_arn("job") == "arn:aws:iam::123456789012:role/flights-dev-job"
    assert NAMES.key_alias_arn == "arn:aws:kms:eu-west-1:123456789012:alias/flights-dev"


def test_no_two_buckets_share_a_name() -> None:
    assert len({NAMES.bucket(purpose) for purpose in BUCKETS}) == len(BUCKETS)
