"""Properties of SerDes and tables: honoured, harmless, or refused."""

from __future__ import annotations

import pytest

from local_aws.athena.errors import QueryFailed
from local_aws.athena.options import OPTIONS, REFUSED

from .conftest import orc, parquet
from .reading import Reader

BODIES = {"parquet": parquet(a=["x"]), "orc": orc(a=["x"]), "json": b'{"a": "x"}\n'}
REFUSALS = [(option.name, kind) for option in OPTIONS if option.verdict == REFUSED for kind in option.formats]


@pytest.mark.parametrize(("name", "kind"), REFUSALS)
def test_a_property_that_would_change_values_is_refused_and_named(reader: Reader, name: str, kind: str) -> None:
    body, serde = BODIES.get(kind, b"x\n"), {"input.regex": "(.*)"}
    usual = next(option.usual for option in OPTIONS if option.name == name)
    with pytest.raises(QueryFailed, match=f"^NOT_SUPPORTED: the property {name} = '7' of table db.t is not honoured"):
        reader.read(kind, "a string", body, serde={**serde, name: "7"})
    with pytest.raises(QueryFailed, match=f"^NOT_SUPPORTED: the property {name} = "):
        reader.read(kind, "a string", body, serde=serde, parameters={name: "7"})
    for value in usual:
        assert reader.read(kind, "a string", body, serde={**serde, name: value.upper()}) == [("x",)]


@pytest.mark.parametrize("name", ["ignore.malformed.json", "dots.in.keys", "mapping.a"])
def test_hives_json_serde_refuses_openx_properties(reader: Reader, name: str) -> None:
    with pytest.raises(QueryFailed, match=f"^NOT_SUPPORTED: the property {name} = 'true'"):
        reader.read("hive_json", "a string", "{}\n", serde={name: "true"})


def test_an_unknown_property_changes_nothing(reader: Reader) -> None:
    assert reader.read("text", "a string", "x\n", parameters={"owner": "me", "classification": "csv"}) == [("x",)]
