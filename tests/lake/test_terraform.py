"""Terraform under a command that is killed, hung up on, or comes second: real Terraform, on resources of its own."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lake.deploying.lock import terraform_at_work
from tests.local_aws.conftest import until

ROOT = Path(__file__).parents[2]
COMMAND = """
import sys
from pathlib import Path
from types import SimpleNamespace
from lake.cli import fail
from lake.commands.output import say, stack_progress
from lake.configuration.reading import load
from lake.errors import LakeError
from lake.deploying.lock import alone
from lake.deploying.terraform import Terraform

lake = load(Path("lake.yaml"))
try:
    with alone(lake, "lake up", wait="--wait" in sys.argv, say=say) as lock, stack_progress("Deploying") as progress:
        options = {"wait": "--wait" in sys.argv, "plan_all": "--all" in sys.argv}
        names = SimpleNamespace(account="111111111111", key_alias="alias/lab")
        kms = SimpleNamespace(describe_key=lambda KeyId: {"KeyMetadata": {"KeyId": "key 1 of storage"}})
        aws = SimpleNamespace(lake=lake, names=names, kms=kms)
        Terraform(aws, progress, lock, **options).apply(["athena"])
except LakeError as error:
    fail(str(error), error.exit_code)
print("is up")
"""
LAKE = "project: lab\nenvironments: {local: {region: us-east-1}}\n"


class Checkout:
    """A folder with one synthesised stack: a first resource, then one that takes until `go`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / ".state/local/athena.tfstate"
        self.folder = root / "cdktf.out/stacks/athena"
        self.folder.mkdir(parents=True)
        (root / "lake.yaml").write_text(LAKE)
        (root / "command.py").write_text(textwrap.dedent(COMMAND))
        slow = {"local-exec": {"command": f"until [ -e '{root}/go' ]; do sleep 0.1; done"}}
        resources = {"first": {}, "slow": {"provisioner": [slow], "depends_on": ["terraform_data.first"]}}
        stack = {
            "terraform": {"backend": {"local": {"path": str(self.state)}}},
            "resource": {"terraform_data": resources},
        }
        (self.folder / "cdk.tf.json").write_text(json.dumps(stack))

    def begin(self, *options: str, terminal: int | None = None) -> subprocess.Popen[str]:
        output = subprocess.PIPE if terminal is None else terminal
        return subprocess.Popen(
            [sys.executable, "command.py", *options],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if terminal is None else terminal,
            text=True,
            start_new_session=True,
        )

    def go(self) -> None:
        (self.root / "go").touch()

    def run(self, *options: str) -> tuple[int, str]:
        process = self.begin(*options)
        shown, _ = process.communicate(timeout=60)
        return process.returncode, shown

    def terraform(self) -> int:
        """The process that is at the slow resource."""
        log = self.root / ".state/local/athena.log"
        until(lambda: log.exists() and '"apply_start"' in log.read_text() and "terraform_data.slow" in log.read_text())
        # For a moment, a process that it is about to start looks as it does itself.
        return min(work.pid for work in terraform_at_work(self.root))

    def resources(self) -> list[str]:
        return [resource["name"] for resource in json.loads(self.state.read_text())["resources"]]


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    lab = Checkout(tmp_path)
    yield lab
    lab.go()
    until(lambda: terraform_at_work(tmp_path) == [])


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """What a command printed until this text was in it."""
    assert process.stdout is not None
    shown = ""
    while text not in shown:
        line = process.stdout.readline()
        assert line, shown
        shown += line
    return shown


def test_after_kill_9_terraform_finishes_and_the_next_command_waits(checkout: Checkout) -> None:
    first = checkout.begin()
    pid = checkout.terraform()
    first.kill()
    first.wait()

    second = checkout.begin()
    wait_for(second, f"waiting for Terraform on athena (process {pid}, since ")
    checkout.go()
    rest, _ = second.communicate(timeout=60)

    assert (second.returncode, checkout.resources()) == (0, ["first", "slow"]), rest
    assert "0 of 0 changes made" in rest, "what the killed command began was done once"


def test_after_a_closed_terminal_the_running_stack_finishes_and_the_next_command_waits(checkout: Checkout) -> None:
    ours, theirs = pty.openpty()
    first = checkout.begin(terminal=theirs)
    os.close(theirs)
    checkout.terraform()
    os.close(ours)
    first.send_signal(signal.SIGHUP)
    until(lambda: '"ending": true' in (checkout.root / ".state/lock").read_text())

    second = checkout.begin()
    wait_for(second, f"waiting for `lake up of local` (process {first.pid}), since ")
    checkout.go()
    rest, _ = second.communicate(timeout=60)

    assert (first.wait(), second.returncode, checkout.resources()) == (130, 0, ["first", "slow"]), rest


def test_a_second_command_names_the_first_and_waits_if_asked(checkout: Checkout) -> None:
    first = checkout.begin()
    checkout.terraform()

    code, shown = checkout.run()
    second = checkout.begin("--wait")
    wait_for(second, "waiting for `lake up of local`")
    checkout.go()

    assert (code, shown.count("\n")) == (1, 1)
    assert f"`lake up of local` (process {first.pid}), since 20" in shown and "--wait" in shown
    assert (second.communicate(timeout=60)[0] != "", second.returncode, first.wait()) == (True, 0, 0)


def test_a_plain_terraform_that_holds_the_state_lock_is_reported(checkout: Checkout) -> None:
    subprocess.run(["terraform", "init"], cwd=checkout.folder, stdout=subprocess.DEVNULL, check=True)
    apply = ["terraform", "apply", "-auto-approve"]
    plain = subprocess.Popen(apply, cwd=checkout.folder, stdout=subprocess.DEVNULL)
    until(lambda: (checkout.state.parent / ".athena.tfstate.lock.info").exists())

    code, shown = checkout.run()
    second = checkout.begin("--wait")
    wait_for(second, "Deploying athena")
    checkout.go()

    assert code == 1
    assert "athena: another Terraform holds the state lock: apply of " in shown
    assert (second.communicate(timeout=60)[0] != "", second.returncode, plain.wait()) == (True, 0, 0)


def test_a_killed_terraform_is_reported_and_the_next_command_continues(checkout: Checkout) -> None:
    first = checkout.begin()
    os.kill(checkout.terraform(), signal.SIGKILL)
    checkout.go()
    shown, _ = first.communicate()

    assert first.returncode == 1
    assert "Terraform was killed (SIGKILL). Run the same command again" in shown
    assert checkout.run()[0] == 0
    assert checkout.resources() == ["first", "slow"]


def test_slow_resources_are_named(checkout: Checkout) -> None:
    file = checkout.root / "command.py"
    file.write_text("import lake.commands.output as output\noutput.SLOW_SECONDS = 1\n" + file.read_text())

    command = checkout.begin()
    wait_for(command, " s: terraform_data.slow\n")
    checkout.go()
    assert "2 of 2 changes made" in command.communicate(timeout=60)[0]


def test_a_truncated_state_is_replaced_with_its_backup(checkout: Checkout) -> None:
    checkout.go()
    checkout.run()
    complete = checkout.state.read_text()
    checkout.state.with_name("athena.tfstate.backup").write_text(complete)
    checkout.state.write_text(complete[: len(complete) // 2])

    code, shown = checkout.run()

    assert (code, checkout.resources()) == (0, ["first", "slow"]), shown
    assert "athena: athena.tfstate was truncated. Its backup is used" in shown
    assert "0 of 0 changes made" in shown


def test_a_state_of_a_newer_terraform_is_left_as_it_is_and_both_versions_are_named(checkout: Checkout) -> None:
    checkout.go()
    checkout.run()
    state = json.loads(checkout.state.read_text())
    newer = json.dumps(state | {"version": 5, "terraform_version": "99.1.0"})
    checkout.state.write_text(newer)

    code, shown = checkout.run()

    said = next(line for line in shown.splitlines() if "99.1.0" in line)
    assert code == 1
    assert said.startswith("athena: the state was written by Terraform 99.1.0, and this is 1.")
    assert said.endswith("Install that version, or a newer one; nothing was changed")
    assert checkout.state.read_text() == newer
    checkout.state.write_text(json.dumps(state))
    assert checkout.run()[0] == 0


def test_a_state_that_terraform_could_not_save_is_pushed(checkout: Checkout) -> None:
    checkout.go()
    checkout.run()
    checkout.state.rename(checkout.folder / "errored.tfstate")

    code, shown = checkout.run()

    assert (code, checkout.resources()) == (0, ["first", "slow"]), shown
    assert "pushed errored.tfstate" in shown
    assert not (checkout.folder / "errored.tfstate").exists()


UNCHANGED = "athena: unchanged since its last apply, so it was skipped. --all plans it too"


def _another_resource(lab: Checkout) -> None:
    stack = json.loads((lab.folder / "cdk.tf.json").read_text())
    stack["resource"]["terraform_data"]["third"] = {}
    (lab.folder / "cdk.tf.json").write_text(json.dumps(stack))


def _another_asset(lab: Checkout) -> None:
    (lab.folder / "assets").mkdir()
    (lab.folder / "assets/job.py").write_text("pass")


def _a_resource_taken_out_of_its_state(lab: Checkout) -> None:
    command = ["terraform", f"-chdir={lab.folder}", "state", "rm", "terraform_data.first"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _another_account(lab: Checkout) -> None:
    file = lab.root / "command.py"
    file.write_text(file.read_text().replace('account="1', 'account="2'))


def _another_storage(lab: Checkout) -> None:
    file = lab.root / "command.py"
    file.write_text(file.read_text().replace("key 1", "key 2"))


def test_an_unchanged_stack_is_skipped_unless_asked(checkout: Checkout) -> None:
    checkout.go()
    assert "2 of 2 changes made" in checkout.run()[1]

    code, shown = checkout.run()
    assert (code, shown.splitlines()) == (0, ["Deploying athena", UNCHANGED, "is up"])
    assert "0 of 0 changes made" in checkout.run("--all")[1]
    assert UNCHANGED in checkout.run()[1]


@pytest.mark.parametrize(
    ("change", "made"),
    [
        (_another_resource, "1 of 1"),
        (_another_asset, "0 of 0"),
        (_a_resource_taken_out_of_its_state, "1 of 1"),
        (_another_account, "0 of 0"),
        (_another_storage, "0 of 0"),
    ],
)
def test_a_stack_is_planned_once_after_each_change(
    checkout: Checkout, change: Callable[[Checkout], None], made: str
) -> None:
    checkout.go()
    checkout.run()
    change(checkout)

    assert f"{made} changes made" in checkout.run()[1]
    assert UNCHANGED in checkout.run()[1]


def test_a_stack_whose_files_change_during_the_apply_is_planned_again(checkout: Checkout) -> None:
    first = checkout.begin()
    checkout.terraform()
    _another_resource(checkout)
    checkout.go()
    first.communicate(timeout=60)

    assert first.returncode == 0
    assert "1 of 1 changes made" in checkout.run()[1]


def test_a_locked_state_does_not_count_as_unchanged(checkout: Checkout) -> None:
    checkout.go()
    checkout.run()
    (checkout.state.parent / ".athena.tfstate.lock.info").write_text("{}")

    assert UNCHANGED not in checkout.run()[1]


def test_a_folder_whose_apply_failed_is_initialised_again(checkout: Checkout) -> None:
    checkout.go()
    checkout.run()
    mark = checkout.folder / ".initialised"
    assert mark.exists()
    _another_resource(checkout)
    stack = (checkout.folder / "cdk.tf.json").read_text()
    (checkout.folder / "cdk.tf.json").write_text(stack.replace('"third": {}', '"third": {"nonsense": 1}'))
    checkout.run()

    assert not mark.exists()


def test_terraforms_data_folder_can_be_changed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_DATA_DIR", str(checkout.root / "data"))
    checkout.go()

    assert "2 of 2 changes made" in checkout.run()[1]


def test_an_interrupted_apply_is_repeated(checkout: Checkout) -> None:
    checkout.go()
    checkout.run()
    _another_resource(checkout)
    broken = (checkout.folder / "cdk.tf.json").read_text()
    (checkout.folder / "cdk.tf.json").write_text(broken.replace('"third": {}', '"third": {"nonsense": 1}'))
    assert checkout.run()[0] == 1
    (checkout.folder / "cdk.tf.json").write_text(broken)

    assert "1 of 1 changes made" in checkout.run()[1]


def test_terraform_is_initialised_again_only_if_its_requirements_changed(checkout: Checkout) -> None:
    begun = checkout.folder / ".terraform/terraform.tfstate"
    checkout.go()
    checkout.run()
    first = begun.stat().st_mtime_ns

    _another_resource(checkout)
    checkout.run()
    assert begun.stat().st_mtime_ns == first

    stack = json.loads((checkout.folder / "cdk.tf.json").read_text())
    stack["terraform"]["backend"]["local"]["path"] = str(checkout.state.with_name("other.tfstate"))
    (checkout.folder / "cdk.tf.json").write_text(json.dumps(stack))
    assert "3 of 3 changes made" in checkout.run()[1]
    assert begun.stat().st_mtime_ns > first
