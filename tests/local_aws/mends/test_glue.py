"""Contracts of the fixes of Glue."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.embedded import client
from tests.local_aws.mends.conftest import CREATED_WITH_TAGS, Aws, arn, glue_job


@pytest.mark.parametrize("kind", CREATED_WITH_TAGS)
def test_tags_given_at_creation_live_as_long_as_the_resource(side: Aws, name: str, kind: str) -> None:
    glue = side("glue")
    create, payload, delete = CREATED_WITH_TAGS[kind]
    getattr(glue, create)(**payload(name), Tags={"a": "b"})
    assert glue.get_tags(ResourceArn=arn(kind, name))["Tags"] == {"a": "b"}
    delete(glue, name)
    assert glue.get_tags(ResourceArn=arn(kind, name))["Tags"] == {}


def test_a_glue_job_keeps_all_its_fields(side: Aws, name: str) -> None:
    glue = side("glue")
    given = {
        "ExecutionClass": "FLEX",
        "ExecutionProperty": {"MaxConcurrentRuns": 3},
        "MaintenanceWindow": "Sun:10",
        "NotificationProperty": {"NotifyDelayAfter": 10},
    }
    glue.create_job(**glue_job(name, **given))
    assert given.items() <= glue.get_job(JobName=name)["Job"].items()
    (listed,) = (job for job in glue.get_jobs()["Jobs"] if job["Name"] == name)
    assert given.items() <= listed.items()


def test_an_updated_glue_job_has_the_updates_fields_and_defaults_for_the_rest(side: Aws, name: str) -> None:
    glue = side("glue")
    glue.create_job(**glue_job(name, ExecutionClass="FLEX", ExecutionProperty={"MaxConcurrentRuns": 3}))
    update = glue_job(name, ExecutionClass="STANDARD")
    del update["Name"]
    glue.update_job(JobName=name, JobUpdate=update)
    job = glue.get_job(JobName=name)["Job"]
    assert (job["ExecutionClass"], job["ExecutionProperty"]) == ("STANDARD", {"MaxConcurrentRuns": 1})


def test_a_trigger_without_a_predicate_has_none(side: Aws, name: str) -> None:
    glue = side("glue")
    glue.create_trigger(Name=name, Type="SCHEDULED", Schedule="cron(0 1 * * ? *)", Actions=[{"JobName": "j"}])
    assert "Predicate" not in glue.get_trigger(Name=name)["Trigger"]


def test_a_trigger_on_demand_stays_created_when_it_is_started(side: Aws, name: str) -> None:
    glue = side("glue")
    glue.create_trigger(Name=name, Type="ON_DEMAND", Actions=[{"JobName": "j"}])
    glue.start_trigger(Name=name)
    assert glue.get_trigger(Name=name)["Trigger"]["State"] == "CREATED"


def test_a_data_quality_ruleset_is_created_updated_listed_and_deleted(side: Aws, name: str) -> None:
    glue = side("glue")
    target = {"DatabaseName": "d", "TableName": "t"}
    glue.create_data_quality_ruleset(Name=name, Ruleset="Rules = [RowCount > 1]", TargetTable=target)
    glue.update_data_quality_ruleset(Name=name, Ruleset="Rules = [RowCount > 2]")
    ruleset = glue.get_data_quality_ruleset(Name=name)
    assert (ruleset["Ruleset"], ruleset["TargetTable"]) == ("Rules = [RowCount > 2]", target)
    assert name in {listed["Name"] for listed in glue.list_data_quality_rulesets()["Rulesets"]}
    glue.delete_data_quality_ruleset(Name=name)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.get_data_quality_ruleset(Name=name)


def test_a_partition_index_can_be_deleted(side: Aws, name: str) -> None:
    glue = side("glue")
    table = {"DatabaseName": name, "TableName": "t"}
    glue.create_database(DatabaseInput={"Name": name})
    glue.create_table(DatabaseName=name, TableInput={"Name": "t", "PartitionKeys": [{"Name": "day", "Type": "string"}]})
    glue.create_partition_index(**table, PartitionIndex={"IndexName": "by_day", "Keys": ["day"]})
    (index,) = glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"]
    assert (index["IndexName"], index["IndexStatus"]) == ("by_day", "ACTIVE")
    glue.delete_partition_index(**table, IndexName="by_day")
    assert glue.get_partition_indexes(**table)["PartitionIndexDescriptorList"] == []


def test_a_connection_can_be_changed_and_keeps_its_tags(side: Aws, name: str) -> None:
    glue, given = side("glue"), {"Name": name, "ConnectionType": "JDBC"}
    before, after = ({"JDBC_CONNECTION_URL": f"jdbc:postgresql://{host}:5432/shop"} for host in ("old", "new"))
    glue.create_connection(ConnectionInput={**given, "ConnectionProperties": before}, Tags={"team": "data"})
    glue.update_connection(Name=name, ConnectionInput={**given, "ConnectionProperties": after})
    assert glue.get_connection(Name=name)["Connection"]["ConnectionProperties"] == after
    assert glue.get_tags(ResourceArn=arn("connection", name))["Tags"] == {"team": "data"}


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("CsvClassifier", {"Delimiter": ",", "ContainsHeader": "PRESENT"}, {"Delimiter": ";"}),
        ("JsonClassifier", {"JsonPath": "$[*]"}, {"JsonPath": "$.rows[*]"}),
        ("GrokClassifier", {"Classification": "log", "GrokPattern": "%{WORD:a}"}, {"GrokPattern": "%{WORD:b}"}),
        ("XMLClassifier", {"Classification": "xml", "RowTag": "row"}, {"RowTag": "line"}),
    ],
)
def test_a_classifier_can_be_changed_and_keeps_what_is_not_given(
    side: Aws, name: str, kind: str, before: dict[str, str], after: dict[str, str]
) -> None:
    glue = side("glue")
    glue.create_classifier(**{kind: {"Name": name, **before}})
    glue.update_classifier(**{kind: {"Name": name, **after}})
    assert {**before, **after}.items() <= glue.get_classifier(Name=name)["Classifier"][kind].items()


def test_a_classifier_that_is_not_there_or_of_another_type_is_not_changed(endpoint: str, name: str) -> None:
    glue = client("glue", endpoint)
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        glue.update_classifier(CsvClassifier={"Name": name, "Delimiter": ";"})
    glue.create_classifier(JsonClassifier={"Name": name, "JsonPath": "$"})
    with pytest.raises(ClientError, match="InvalidInputException"):
        glue.update_classifier(CsvClassifier={"Name": name, "Delimiter": ";"})
