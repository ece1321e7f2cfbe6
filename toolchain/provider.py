"""The source of the AWS provider for Terraform: the user's settings, a filesystem mirror or the registry."""

import json
import platform
import re
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

HOST = "registry.terraform.io"
SOURCE = f"{HOST}/hashicorp/aws"
RANGE = "~> 5.100.0"
OLDEST, TOO_NEW = (5, 100, 0), (5, 101, 0)
ADD_ON_SOFTWARE = Path("/opt")


class Mirror(NamedTuple):
    """A folder with the layout <host>/<namespace>/<type>/..., and its newest matching AWS provider."""

    root: Path
    version: str
    packed: bool


def this_platform() -> str:
    """Terraform's name for this machine, such as linux_amd64 or darwin_arm64."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(machine, machine) }"


def parse_version(text: str) -> tuple[int, ...] | None:
    """(5, 100, 0) for "5.100.0"; None for anything that is not a plain release."""
    return tuple(map(int, text.split("."))) if re.fullmatch(r"\d+\.\d+\.\d+", text) else None


def fits(version: str) -> bool:
    parsed = parse_version(version)
    return parsed is not None and OLDEST <= parsed < TOO_NEW


def _unpacked(provider: Path, target: str) -> Iterator[str]:
    for binary in provider.glob(f"*/{target}/terraform-provider-aws*"):
        yield binary.parent.parent.name


def _packed(provider: Path, target: str) -> Iterator[str]:
    for archive in provider.glob(f"terraform-provider-aws_*_{target}.zip"):
        yield archive.name.split("_")[1]


def look_in(root: Path, target: str) -> Mirror | None:
    """The newest provider for `target` (such as linux_amd64) in one folder, if it is a mirror with one."""
    found = [Mirror(root, version, False) for version in _unpacked(root / SOURCE, target) if fits(version)]
    found += [Mirror(root, version, True) for version in _packed(root / SOURCE, target) if fits(version)]
    return max(found, key=lambda mirror: (parse_version(mirror.version), not mirror.packed), default=None)


def implied_folders(env: Mapping[str, str], home: Path, system: str) -> list[Path]:
    """Terraform's own implied mirror folders, in its order. `system` is platform.system()."""
    folders = [home / ".terraform.d/plugins"]
    if system == "Darwin":
        shared = "Library/Application Support/io.terraform/plugins"
        return [*folders, home / shared, Path("/") / shared]
    data = [env.get("XDG_DATA_HOME") or str(home / ".local/share")]
    data += (env.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    return folders + [Path(folder) / "terraform/plugins" for folder in data if folder]


def add_on_folders(top: Path = ADD_ON_SOFTWARE) -> Iterator[Path]:
    """Every folder up to three levels below `top` that contains providers of Terraform's registry."""
    for depth in ("", "*/", "*/*/", "*/*/*/"):
        yield from (found.parents[1] for found in sorted(top.glob(f"{depth}{HOST}/hashicorp")))


def find_mirror(folders: Iterable[Path], target: str) -> Mirror | None:
    """The first of `folders` with a matching provider. Later folders are not read."""
    return next((mirror for folder in folders if (mirror := look_in(folder, target))), None)


def own_configuration(env: Mapping[str, str], home: Path, ours: Path) -> Path | None:
    """The user's CLI configuration, if it configures where providers come from; `ours` does not count."""
    path = Path(env.get("TF_CLI_CONFIG_FILE") or home / ".terraformrc")
    if path == ours or not path.is_file() or "provider_installation" not in path.read_text():
        return None
    return path


def cli_configuration(mirror: Mirror | None, cache: Path) -> str:
    """The text of a Terraform CLI configuration file.

    The cache saves a download, or unpacking, for each stack. An unpacked mirror is linked and needs no cache.
    """
    blocks = []
    if mirror is None or mirror.packed:
        blocks += [
            f"plugin_cache_dir = {json.dumps(str(cache))}",
            "plugin_cache_may_break_dependency_lock_file = true",
        ]
    if mirror:
        blocks += [
            "provider_installation {",
            "  filesystem_mirror {",
            f"    path    = {json.dumps(str(mirror.root))}",
            f"    include = [{json.dumps(SOURCE)}]",
            "  }",
            "  direct {",
            f"    exclude = [{json.dumps(SOURCE)}]",
            "  }",
            "}",
        ]
    return "\n".join(blocks) + "\n"


def registry_answers(seconds: float = 3) -> bool:
    """Whether Terraform's registry can be reached within a few seconds."""
    try:
        with urllib.request.urlopen(f"https://{HOST}/.well-known/terraform.json", timeout=seconds) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def search_path(env: Mapping[str, str], home: Path, cache: Path) -> Iterator[Path]:
    """Where a mirror may be, most specific first. Our cache of registry downloads also serves as one."""
    yield from implied_folders(env, home, platform.system())
    yield cache
    yield from add_on_folders()


def named_mirror(env: Mapping[str, str], target: str) -> Mirror | None:
    """The mirror that TF_PLUGIN_MIRROR names.

    Raises:
        ValueError: the folder has no matching provider.
    """
    name = env.get("TF_PLUGIN_MIRROR")
    if not name:
        return None
    folder = Path(name).expanduser()
    mirror = look_in(folder.resolve(), target)
    if mirror is None:
        raise ValueError(
            f"TF_PLUGIN_MIRROR={name} has no {SOURCE} {RANGE} for {target}: put one at "
            f"{folder / SOURCE}/<version>/{target}/, or unset the variable."
        )
    return mirror
