from __future__ import annotations

from lake.configuration.names import BUCKETS, Names

NAMES = Names("flights", "dev", "eu-west-1", "123456789012")


def test_names_hold_project_environment_and_where_they_are_global_the_account() -> None:
    assert NAMES.bucket("raw") == "flights-dev-raw-123456789012"
    assert NAMES.database("raw") == "flights_dev_raw"
    assert NAMES.role_arn("job") == "arn:aws:iam::123456789012:role/flights-dev-job"
    assert NAMES.key_alias_arn == "arn:aws:kms:eu-west-1:123456789012:alias/flights-dev"


def test_no_two_buckets_share_a_name() -> None:
    assert len({NAMES.bucket(purpose) for purpose in BUCKETS}) == len(BUCKETS)
