"""Personal environments: the user's name is in every name, or one sentence says why it cannot be."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import pytest

from lake.configuration import user
from lake.configuration.reading import ConfigError, load
from tests.lake.commands import Prompt

ACCOUNT = "1" * 12


@pytest.fixture
def personal(tmp_path: Path) -> Callable[..., Path]:
    """A lake.yaml whose environment dev is personal; a longer project makes longer names."""

    def make(project: str = "flights", *, endpoint: str = "http://127.0.0.1:4566") -> Path:
        environment = f"{{endpoint: '{endpoint}', region: us-east-1, personal: true, destroyable: true}}"
        (tmp_path / "lake.yaml").write_text(f"project: {project}\nenvironments:\n  dev: {environment}\n")
        return tmp_path / "lake.yaml"

    return make


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("ann", "ann"),
        ("Ann.Lee@example.org", "ann-lee-example-org"),
        ("CORP\\José", "corp-jose"),
        ("_7of9_", "7of9"),
        ("日本", ""),
    ],
)
def test_a_user_name_is_reduced_to_allowed_characters(given: str, name: str) -> None:
    assert user.reduced(given) == name


def test_the_user_name_is_lake_user_or_else_the_login(
    personal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "Login.Name")
    monkeypatch.delenv("LAKE_USER", raising=False)
    assert load(personal()).names(ACCOUNT).bucket("raw") == f"flights-dev-login-name-raw-{ACCOUNT}"
    monkeypatch.setenv("LAKE_USER", "ann")
    assert load(personal()).names(ACCOUNT).bucket("raw") == f"flights-dev-ann-raw-{ACCOUNT}"


def refused(file: Path) -> str:
    with pytest.raises(ConfigError) as error:
        load(file)
    [trouble] = error.value.troubles
    assert (trouble.line, trouble.field) == (3, "environments.dev.personal")
    return trouble.message


def test_a_user_name_without_allowed_characters_is_refused(
    personal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_USER", "日本")
    way_out = "Set LAKE_USER to a name of lower-case letters, digits and hyphens, such as ann"
    assert refused(personal()) == f"'日本' has no character that AWS names allow. {way_out}"


def test_a_login_without_a_name_is_refused(personal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1234")

    monkeypatch.delenv("LAKE_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", nobody)
    assert refused(personal()).startswith("this login has no name. Set LAKE_USER to ")


@pytest.mark.parametrize("login", ["root", "ubuntu", "vscode"])
def test_a_common_login_is_refused_unless_lake_user_is_set(
    personal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: login)
    monkeypatch.delenv("LAKE_USER", raising=False)
    assert refused(personal()).startswith(
        f"the login '{login}' is not personal: everyone who uses it would share one lake. Set LAKE_USER"
    )
    monkeypatch.setenv("LAKE_USER", login)
    assert load(personal()).user == login


def test_a_user_name_too_long_for_s3_is_refused_with_the_bucket_name(
    personal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = "a" * (63 - len("flights-dev--quarantine-") - 12)
    monkeypatch.setenv("LAKE_USER", fits)
    assert len(load(personal()).names(ACCOUNT).bucket("quarantine")) == 63

    monkeypatch.setenv("LAKE_USER", f"{fits}a")
    assert refused(personal()) == (
        f"the user '{fits}a' makes the bucket name 'flights-dev-{fits}a-quarantine-{'0' * 12}' 64 characters long; "
        f"S3 allows 63. Set LAKE_USER to at most {len(fits)} characters"
    )
    monkeypatch.setenv("LAKE_USER", "a" * 40)
    assert f"'flights-dev-{'a' * 40}-quarantine-{'0' * 12}'" in refused(personal())


@pytest.mark.parametrize(
    ("stream", "kind", "limit"),
    [
        ("departures_of_airlines: {columns: {a: int}}", "role", 64),
        ("departures: {columns: {t: timestamp}, event_time: {column: t}, windows: {late: {gap: 5}}}", "role", 64),
    ],
)
def test_a_user_name_too_long_for_what_a_stream_needs_is_refused_with_that_name(
    personal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, stream: str, kind: str, limit: int
) -> None:
    file = personal()
    file.write_text(f"{file.read_text()}streams:\n  {stream}\n")
    monkeypatch.setenv("LAKE_USER", "christopher-van-der-berg")
    message = refused(file)
    assert f"the user 'christopher-van-der-berg' makes the {kind} name 'flights-dev-christopher" in message
    assert f"IAM allows {limit}. Set LAKE_USER to at most " in message
    room = int(message.rpartition("at most ")[2].split()[0])
    monkeypatch.setenv("LAKE_USER", "c" * room)
    assert load(file).user == "c" * room


def test_a_project_name_without_room_for_a_user_name_must_be_shortened(
    personal: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_USER", "a")
    assert refused(personal("p" * 34)).endswith("Shorten project or the environment's name")


def test_check_and_status_show_the_owner_of_the_environment(
    personal: Callable[..., Path],
    endpoint: str,
    prompt: Callable[[str, str], Prompt],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKE_USER", "Ann Lee")
    at = prompt("flights", "")
    at.file.write_text(at.file.read_text().replace("destroyable: true", "destroyable: true, personal: true"))
    assert "environment local of ann-lee" in at.lake("check").out
    assert at.lake("check", "--json").json["user"] == "ann-lee"
    shown = at.lake("status").out
    assert "flights-local-ann-lee: the personal environment local of ann-lee" in shown
