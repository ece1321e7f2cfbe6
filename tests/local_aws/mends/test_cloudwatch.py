"""Contracts of the fixes of CloudWatch, in the Query protocol, which Terraform uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.embedded import keys_of
from tests.local_aws.mends.conftest import UNMENDED

Ask = Callable[..., ElementTree.Element]
ALARM = {
    "Namespace": "AWS/Kinesis",
    "MetricName": "GetRecords.IteratorAgeMilliseconds",
    "Statistic": "Maximum",
    "Period": "300",
    "EvaluationPeriods": "2",
    "Threshold": "60000",
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "ActionsEnabled": "false",
    "AlarmDescription": "a < b & c",
    "Dimensions.member.1.Name": "StreamName",
    "Dimensions.member.1.Value": "s",
    "AlarmActions.member.1": "arn:aws:sns:us-east-1:000000000000:t",
    "InsufficientDataActions.member.1": "arn:aws:sns:us-east-1:000000000000:u",
}


@pytest.fixture(params=["endpoint", pytest.param("emulator", marks=UNMENDED)])
def ask(request: pytest.FixtureRequest) -> Ask:
    endpoint = request.getfixturevalue(request.param)
    return lambda action, **fields: _asked(endpoint, {"Action": action, "Version": "2010-08-01", **fields})


def _asked(endpoint: str, form: dict[str, str]) -> ElementTree.Element:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", endpoint, headers=headers, data=urlencode(form).encode())
    keys = keys_of(endpoint)
    SigV4Auth(Credentials(keys.id, keys.secret), "monitoring", "us-east-1").add_auth(request)
    with urlopen(Request(endpoint, request.data, dict(request.headers)), timeout=10) as answer:
        return _bare(ElementTree.fromstring(answer.read()))


def _bare(element: ElementTree.Element) -> ElementTree.Element:
    for each in element.iter():
        each.tag = each.tag.rpartition("}")[2]
    return element


def test_an_alarm_is_described_with_all_its_fields(ask: Ask, name: str) -> None:
    ask("PutMetricAlarm", AlarmName=name, **ALARM)
    (alarm,) = ask("DescribeAlarms", **{"AlarmNames.member.1": name}).iterfind(".//MetricAlarms/member")
    plain = {field: value for field, value in ALARM.items() if "." not in field}
    found: dict[str, Any] = {field: alarm.findtext(field) for field in plain}
    assert {**found, "Threshold": str(int(float(found["Threshold"])))} == plain
    assert [(each.findtext("Name"), each.findtext("Value")) for each in alarm.iterfind("Dimensions/member")] == [
        ("StreamName", "s")
    ]
    assert [each.text for each in alarm.iterfind("AlarmActions/member")] == [ALARM["AlarmActions.member.1"]]
    assert [each.text for each in alarm.iterfind("InsufficientDataActions/member")] == [
        ALARM["InsufficientDataActions.member.1"]
    ]


def test_an_alarm_on_an_expression_has_no_period_and_statistic_of_its_own(ask: Ask, name: str) -> None:
    queries = {
        "Metrics.member.1.Id": "counted",
        "Metrics.member.1.MetricStat.Metric.Namespace": "AWS/KinesisAnalytics",
        "Metrics.member.1.MetricStat.Metric.MetricName": "fullRestarts",
        "Metrics.member.1.MetricStat.Period": "60",
        "Metrics.member.1.MetricStat.Stat": "Maximum",
        "Metrics.member.1.ReturnData": "false",
        "Metrics.member.2.Id": "rate",
        "Metrics.member.2.Expression": "RATE(counted)",
        "Metrics.member.2.ReturnData": "true",
    }
    needed = {field: ALARM[field] for field in ("EvaluationPeriods", "Threshold", "ComparisonOperator")}
    ask("PutMetricAlarm", AlarmName=name, **needed, **queries)
    (alarm,) = ask("DescribeAlarms", **{"AlarmNames.member.1": name}).iterfind(".//MetricAlarms/member")

    assert [each.findtext("Id") for each in alarm.iterfind("Metrics/member")] == ["counted", "rate"]
    assert alarm.findtext("Metrics/member/MetricStat/Metric/MetricName") == "fullRestarts"
    assert [alarm.findtext(field) for field in ("Period", "Statistic")] == [None, None]


def test_an_alarm_that_is_deleted_leaves_nothing_to_one_of_the_same_name(ask: Ask, name: str) -> None:
    query = {"Metrics.member.1.Id": "a", "Metrics.member.1.Expression": "1", "Metrics.member.1.ReturnData": "true"}
    needed = {field: ALARM[field] for field in ("EvaluationPeriods", "Threshold", "ComparisonOperator")}
    ask("PutMetricAlarm", AlarmName=name, **needed, **query)
    ask("DeleteAlarms", **{"AlarmNames.member.1": name})
    ask("PutMetricAlarm", AlarmName=name, **ALARM)
    (alarm,) = ask("DescribeAlarms", **{"AlarmNames.member.1": name}).iterfind(".//MetricAlarms/member")

    assert (alarm.find("Metrics/member"), alarm.findtext("ActionsEnabled")) == (None, "false")


def test_a_refusal_is_in_xml_too(endpoint: str) -> None:
    with pytest.raises(HTTPError) as refused:
        _asked(endpoint, {"Action": "DescribeAlarms", "Version": "2010-08-01", "MaxRecords": "1000"})
    assert ElementTree.fromstring(refused.value.read()).findtext(".//Code") in ("ValidationError", "InvalidParameter")
