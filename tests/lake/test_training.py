"""Training sets and models of lake.yaml: what is wrong is told by its field, with what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lake.configuration.reading import ConfigError, Lake, load
from lake.configuration.training import training_spec

EXAMPLE = Path(__file__).parents[2] / "examples/late_flights"
SET, MODEL = "training_sets.late_flights", "models.late_flights"


def changed(folder: Path, place: str, value: Any) -> Lake:
    """The example with one setting changed; `None` removes it."""
    for name in ("train.py", "queries"):
        if not (folder / name).exists():
            (folder / name).symlink_to(EXAMPLE / name)
    yaml = YAML()
    document = yaml.load(EXAMPLE / "lake.yaml")
    *above, last = place.split(".")
    inner = document
    for name in above:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    yaml.dump(document, folder / "lake.yaml")
    return load(folder / "lake.yaml")


WRONG: list[tuple[str, Any, str]] = [
    (f"{MODEL}.training_set", "late_flihgts", "there is no training set 'late_flihgts'. Allowed: late_flights"),
    (f"{MODEL}.script", "trian.py", "there is no file 'trian.py' in"),
    (f"{MODEL}.instance", "ml.m5.huge", "there is no instance type 'ml.m5.huge'. Allowed: ml.m5."),
    (f"{MODEL}.instance", "large", "an instance type of SageMaker, such as ml.m5.large"),
    (f"{MODEL}.metric", "acc", "auc"),
    (f"{MODEL}.at_least", 1.5, "1"),
    (f"{MODEL}.hyperparameters", {"sagemaker_program": "x"}, "is SageMaker's own. Choose another name"),
    (f"{MODEL}.framework", "torch", "sklearn"),
    (f"{SET}.from", "flihgts", "there is no table 'flihgts'. Allowed: departures, observations, flights, weather"),
    (f"{SET}.from", "SELECT 1", "is a table, or SQL that reads one"),
    (f"{SET}.from", "SELECT (1 FROM flights", "is not SQL: a '(' is not closed"),
    (f"{SET}.label", "flight", "is entity too. The label is a column of its own"),
    (f"{SET}.exclude", ["late"], "'late' is no feature anyway. Remove it"),
    (f"{SET}.entity", ["carrier", "known_at"], "'known_at' is time too. Remove it"),
    (f"{SET}.features", {"wether": {"as_of": "t", "on": "o", "take": ["temp"]}}, "there is no table 'wether'"),
    (f"{SET}.features.observations.as_of", None, "as_of"),
    (f"{SET}.features.observations.within_hours", 0, "0"),
    (f"{SET}.split.train_until", None, "is needed to split by time: the first day that is not in the part"),
    (f"{SET}.split.validate_until", None, "is needed to split by time"),
    (f"{SET}.split.group", ["carrier"], "is not of a split by time. Remove it"),
    (f"{SET}.split.seed", 3, "is not of a split by time. Remove it"),
    (f"{SET}.split", {"by": "group", "train_until": "2013-09-01"}, "train_until"),
    (f"{SET}.split", {"by": "hash", "validate_share": 0.6, "test_share": 0.5}, "leaves no rows for training"),
    (f"{SET}.split", {"by": "hash", "group": ["carrier"]}, "is not of a split by hash. Remove it"),
    (f"{SET}.checks.drift", "no", "fail"),
    (f"{SET}.checks.matches", "warn", "looks only where find_matches names the columns to compare. Add them"),
    (f"{SET}.drift", {"on": "departurse", "schedule": "cron(0 5 * * ? *)"}, "there is no table 'departurse'"),
    (f"{SET}.drift", {"on": "departures", "schedule": "daily"}, "AWS's six fields in UTC"),
    (f"{SET}.drift", {"on": "departures", "schedule": "cron(0 25 * * ? *)"}, "is not a valid AWS schedule"),
    (f"{SET}.checks.find_matches", {"carrier": "nmae"}, "name"),
    (f"{SET}.checks.most_auc", 0.4, "0.5"),
]


@pytest.mark.parametrize(("place", "value", "says"), WRONG, ids=[f"{place}={value}" for place, value, _ in WRONG])
def test_a_mistake_is_told_by_its_field(tmp_path: Path, place: str, value: Any, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        changed(tmp_path, place, value)

    assert says in str(error.value)
    assert place.rpartition(".")[0] in str(error.value)


def test_the_limits_of_a_split_are_in_order(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="validate_until: is not after train_until, 2013-09-01"):
        from datetime import date

        changed(tmp_path, f"{SET}.split.validate_until", date(2013, 9, 1))


def test_a_build_is_told_all_that_it_needs(tmp_path: Path) -> None:
    lake = load(EXAMPLE / "lake.yaml")

    spec = training_spec(lake.config, "late_flights")

    assert (spec["name"], spec["table"], spec["label"]) == ("late_flights", "departures", "late")
    assert spec["split"]["train_until"] == "2013-09-01"  # type: ignore[index]
    assert spec["features"]["observations"] == {  # type: ignore[index]
        "as_of": "time_hour",
        "on": ["origin"],
        "within_hours": 3,
        "take": {name: name for name in ("temp", "wind_speed", "precip", "visib")},
    }


@pytest.mark.parametrize(
    "source",
    [
        "SELECT extract(HOUR FROM time_hour) AS hour, carrier FROM departures",
        "SELECT trim(BOTH ' ' FROM carrier) AS carrier FROM Departures JOIN observations USING (origin)",
        "SELECT carrier IS DISTINCT FROM origin AS elsewhere FROM departures",
        "-- rows from the observations\nSELECT 'from observations' AS note FROM departures /* from observations */",
        "WITH recent AS (SELECT * FROM departures) SELECT * FROM recent",
    ],
)
def test_rows_to_predict_stand_in_for_the_first_table_that_is_read(tmp_path: Path, source: str) -> None:
    lake = changed(tmp_path, f"{SET}.from", source)

    assert str(training_spec(lake.config, "late_flights")["table"]).lower() == "departures"
