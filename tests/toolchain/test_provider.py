"""Where Terraform gets the AWS provider from."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from toolchain import provider
from toolchain.provider import Mirror

ROOT = Path(__file__).parents[2]
LINUX = "linux_amd64"


def unpacked(root: Path, version: str = "5.100.0", target: str = LINUX) -> Path:
    """A mirror with one provider, as Terraform unpacks it."""
    folder = root / provider.SOURCE / version / target
    folder.mkdir(parents=True)
    binary = folder / f"terraform-provider-aws_v{version}_x5"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    return root


def packed(root: Path, version: str = "5.100.0", target: str = LINUX) -> Path:
    """A mirror with one provider, as `terraform providers mirror` leaves it."""
    folder = root / provider.SOURCE
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"terraform-provider-aws_{version}_{target}.zip").write_bytes(b"zip")
    return root


def test_an_unpacked_mirror_is_found(tmp_path: Path) -> None:
    assert provider.look_in(unpacked(tmp_path), LINUX) == Mirror(tmp_path, "5.100.0", packed=False)


def test_a_packed_mirror_is_found(tmp_path: Path) -> None:
    assert provider.look_in(packed(tmp_path), LINUX) == Mirror(tmp_path, "5.100.0", packed=True)


def test_the_newest_matching_version_is_used(tmp_path: Path) -> None:
    for version in ("5.99.0", "5.100.0", "5.100.1", "6.25.0"):
        unpacked(tmp_path, version)
    assert provider.look_in(tmp_path, LINUX) == Mirror(tmp_path, "5.100.1", packed=False)


def test_an_unpacked_provider_is_preferred(tmp_path: Path) -> None:
    assert provider.look_in(packed(unpacked(tmp_path)), LINUX) == Mirror(tmp_path, "5.100.0", packed=False)


@pytest.mark.parametrize("layout", [unpacked, packed])
@pytest.mark.parametrize("version", ["5.99.1", "4.67.0", "5.101.0", "6.25.0", "5.100.1-beta1", "latest"])
def test_a_version_out_of_range_is_ignored(tmp_path: Path, version: str, layout: object) -> None:
    assert callable(layout)
    assert provider.look_in(layout(tmp_path, version), LINUX) is None


@pytest.mark.parametrize("layout", [unpacked, packed])
def test_a_provider_for_another_platform_is_ignored(tmp_path: Path, layout: object) -> None:
    assert callable(layout)
    assert provider.look_in(layout(tmp_path, target="darwin_arm64"), LINUX) is None


def test_an_empty_version_folder_is_ignored(tmp_path: Path) -> None:
    (tmp_path / provider.SOURCE / "5.100.0" / LINUX).mkdir(parents=True)
    assert provider.look_in(tmp_path, LINUX) is None


def test_the_first_folder_with_a_provider_wins(tmp_path: Path) -> None:
    folders = [
        tmp_path / "nothing",
        unpacked(tmp_path / "near"),
        unpacked(tmp_path / "far", "5.100.7"),
    ]
    assert provider.find_mirror(folders, LINUX) == Mirror(folders[1], "5.100.0", packed=False)


def test_the_mirror_in_the_environment_variable_is_used(tmp_path: Path) -> None:
    env = {"TF_PLUGIN_MIRROR": str(unpacked(tmp_path))}
    assert provider.named_mirror(env, LINUX) == Mirror(tmp_path, "5.100.0", packed=False)


def test_a_missing_environment_variable_is_no_error() -> None:
    assert provider.named_mirror({"TF_PLUGIN_MIRROR": ""}, LINUX) is None


def test_a_named_mirror_without_the_provider_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="TF_PLUGIN_MIRROR") as error:
        provider.named_mirror({"TF_PLUGIN_MIRROR": str(tmp_path)}, LINUX)
    assert f"{tmp_path}/{provider.SOURCE}/<version>/{LINUX}/" in str(error.value)
    assert "5.100.0" in str(error.value)


def test_linux_has_terraforms_own_folders_in_its_order() -> None:
    assert [str(folder) for folder in provider.implied_folders({}, Path("/home/ada"), "Linux")] == [
        "/home/ada/.terraform.d/plugins",
        "/home/ada/.local/share/terraform/plugins",
        "/usr/local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
    ]


def test_the_xdg_variables_move_linuxs_folders() -> None:
    env = {"XDG_DATA_HOME": "/data", "XDG_DATA_DIRS": "/one:/two"}
    assert [str(folder) for folder in provider.implied_folders(env, Path("/home/ada"), "Linux")][1:] == [
        "/data/terraform/plugins",
        "/one/terraform/plugins",
        "/two/terraform/plugins",
    ]


def test_macos_has_its_application_support_folders() -> None:
    folders = provider.implied_folders({}, Path("/Users/ada"), "Darwin")
    assert Path("/Users/ada/Library/Application Support/io.terraform/plugins") in folders


@pytest.mark.parametrize("place", ["", "mirror", "vendor/mirror", "vendor/terraform/mirror"])
def test_add_on_software_is_searched_three_levels_deep(tmp_path: Path, place: str) -> None:
    mirror = unpacked(tmp_path / place)
    assert list(provider.add_on_folders(tmp_path)) == [mirror]


def test_the_search_path_starts_with_the_user(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    folders = list(provider.search_path({}, tmp_path, cache))
    assert folders[0] == tmp_path / ".terraform.d/plugins"
    assert folders.index(cache) == len(provider.implied_folders({}, tmp_path, sys.platform.capitalize()))


def test_the_users_own_provider_installation_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / ".terraformrc"
    file.write_text("provider_installation {\n  network_mirror {}\n}\n")
    assert provider.own_configuration({}, tmp_path, tmp_path / "ours") == file


def test_a_configuration_without_provider_installation_does_not_count(tmp_path: Path) -> None:
    (tmp_path / ".terraformrc").write_text("disable_checkpoint = true\n")
    assert provider.own_configuration({}, tmp_path, tmp_path / "ours") is None


def test_a_missing_configuration_does_not_count(tmp_path: Path) -> None:
    env = {"TF_CLI_CONFIG_FILE": str(tmp_path / "missing")}
    assert provider.own_configuration(env, tmp_path, tmp_path / "ours") is None


def test_our_own_configuration_does_not_count(tmp_path: Path) -> None:
    ours = tmp_path / "terraform.rc"
    ours.write_text(provider.cli_configuration(Mirror(tmp_path, "5.100.0", packed=False), tmp_path))
    assert provider.own_configuration({"TF_CLI_CONFIG_FILE": str(ours)}, tmp_path, ours) is None


def terraform(folder: Path, configuration: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The bundled Terraform, offline."""
    env = {**os.environ, "TF_CLI_CONFIG_FILE": str(configuration), "CHECKPOINT_DISABLE": "1"}
    command = [sys.executable, str(ROOT / "toolchain/terraform.py"), f"-chdir={folder}", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_terraform_uses_the_mirror_in_our_configuration(tmp_path: Path) -> None:
    mirror = provider.look_in(
        unpacked(tmp_path / "a mirror", target=provider.this_platform()), provider.this_platform()
    )
    configuration, stack = tmp_path / "terraform.rc", tmp_path / "a stack"
    configuration.write_text(provider.cli_configuration(mirror, tmp_path))
    stack.mkdir()
    needs = {"aws": {"source": "hashicorp/aws", "version": provider.RANGE}}
    stack.joinpath("main.tf.json").write_text(json.dumps({"terraform": {"required_providers": needs}}))
    done = terraform(stack, configuration, "init", "-no-color")
    assert done.returncode == 0, done.stderr
    assert "Installed hashicorp/aws v5.100.0" in done.stdout
