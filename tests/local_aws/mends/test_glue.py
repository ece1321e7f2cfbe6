"""Contracts of the fixes of Glue."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded import client, unchecked
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
    ("changed", "named"),
    [
        ({"ConnectionProperties": {"BAD KEY": "x"}}, 'the key "BAD KEY" of ConnectionInput.ConnectionProperties'),
        ({"ConnectionProperties": {"HOST": 1}}, "ConnectionInput.ConnectionProperties.HOST is 1: allowed is a text"),
        ({"ConnectionType": "PIGEON"}, 'ConnectionInput.ConnectionType is "PIGEON": allowed are JDBC'),
        ({"MatchCriteria": list("many names of this")}, "ConnectionInput.MatchCriteria is"),
        ({"Name": "another"}, "it cannot be renamed"),
    ],
)
def test_a_refused_update_of_a_connection_changes_nothing(
    endpoint: str, name: str, changed: dict[str, Any], named: str
) -> None:
    glue = unchecked("glue", endpoint)
    given = {"Name": name, "ConnectionType": "NETWORK", "ConnectionProperties": {"HOST": "here"}}
    glue.create_connection(ConnectionInput=given)
    before = glue.get_connection(Name=name)["Connection"]
    with pytest.raises(ClientError, match=re.escape(named)) as refusal:
        glue.update_connection(Name=name, ConnectionInput={**given, **changed})
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert glue.get_connection(Name=name)["Connection"] == before


def test_a_connection_is_there_all_the_time_while_it_is_changed(endpoint: str, name: str) -> None:
    glue = client("glue", endpoint)
    given = {"Name": name, "ConnectionType": "NETWORK", "ConnectionProperties": {"HOST": "here"}}
    glue.create_connection(ConnectionInput=given)
    created = glue.get_connection(Name=name)["Connection"]["CreationTime"]
    with ThreadPoolExecutor(2) as pool:
        changes = [pool.submit(glue.update_connection, Name=name, ConnectionInput=given) for _ in range(50)]
        while not all(change.done() for change in changes):
            assert glue.get_connection(Name=name)["Connection"]["CreationTime"] == created
        assert all(change.result() for change in changes)


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


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"Delimiter": ";;"}, 'CsvClassifier.Delimiter is ";;": allowed are at least 1 and at most 1 characters'),
        ({"ContainsHeader": "MAYBE"}, 'CsvClassifier.ContainsHeader is "MAYBE": allowed are UNKNOWN, PRESENT, ABSENT'),
        ({"Header": ["a", 2]}, "CsvClassifier.Header[1] is 2: allowed is a text"),
    ],
)
def test_a_refused_classifier_is_neither_made_nor_changed(
    endpoint: str, name: str, given: dict[str, Any], named: str
) -> None:
    glue = unchecked("glue", endpoint)
    with pytest.raises(ClientError, match=re.escape(named)):
        glue.create_classifier(CsvClassifier={"Name": name, **given})
    glue.create_classifier(CsvClassifier={"Name": name, "Delimiter": ";"})
    before = glue.get_classifier(Name=name)["Classifier"]
    with pytest.raises(ClientError, match=re.escape(named)):
        glue.update_classifier(CsvClassifier={"Name": name, **given})
    assert glue.get_classifier(Name=name)["Classifier"] == before
