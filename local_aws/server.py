"""Starts the emulator and the gateway as one process on one loopback port."""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import uvicorn

from local_aws import actions, faults, inventory, s3_keys
from local_aws.context import ACCOUNT, BUFFER_SPEED, Context
from local_aws.credentials import Keys, own_keys, tell_address
from local_aws.door import Door
from local_aws.gateway import AsgiApp, Gateway, Receive, Scope, Send
from local_aws.http import Protocol
from local_aws.inside import Inside
from local_aws.job_user import JobUser
from local_aws.journal import Journal
from local_aws.journal.lines import merge_all
from local_aws.journal.repair import repair
from local_aws.journal.room import give_ballast
from local_aws.mends import cloudwatch
from local_aws.owner import Owner
from local_aws.permissions.guard import Guard
from local_aws.protocol import stacked

HOST = "127.0.0.1"
ENGINES = (
    "mends",
    "partitions",
    "catalog",
    "crawlers",
    "jobs",
    "workflows",
    "athena",
    "notices",
    "streams.kinesis",
    "streams.firehose",
    "streams.flink",
    "sagemaker",
)
"""Modules with a function `handlers(context) -> Handlers`; later ones stand in front of earlier ones."""


def application(
    port: int,
    emulator: AsgiApp,
    folder: Path,
    keys: Keys,
    *,
    was_killed: bool = False,
    is_open: bool = False,
    job_user: JobUser | None = None,
    buffer_speed: float = BUFFER_SPEED,
    enforces_iam: bool = False,
) -> AsgiApp:
    """The door, behind it the guard, behind that the gateway with every engine, behind that the emulator."""
    objects = Inside(emulator)
    endpoint = f"http://{HOST}:{port}"
    context = Context.at(
        *(endpoint, folder, keys, objects),
        was_killed=was_killed,
        is_server=True,
        enforces_iam=enforces_iam,
        job_user=job_user,
        buffer_speed=buffer_speed,
    )
    engines = [importlib.import_module(f"local_aws.{name}").handlers(context) for name in ENGINES]
    inner = actions.named(_forgetting_buckets(cloudwatch.mended(s3_keys.mended(objects), context.store), context))
    gateway = Gateway(inner, stacked(*engines))
    assert context.keyring is not None
    if is_open:
        return Door(inventory.served(gateway, context), port, context.keyring, is_open=True)
    called = context.access.called if context.access else dict
    guard = Guard(inventory.served(gateway, context, called), context.keyring.caller, context.access)
    return Door(guard, port, context.keyring)


def _forgetting_buckets(app: AsgiApp, context: Context) -> AsgiApp:
    """Wrap the application to drop the mirror's copies of a bucket that a client deletes.

    If the deletion fails (the bucket is not empty), its objects are fetched again when next read.
    """

    # Deleting waits for a pull, which may wait for one of the event loop's threads, so it must not use one of them.
    own = ThreadPoolExecutor(1, thread_name_prefix="forget")

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").strip("/")
        if scope.get("method") == "DELETE" and path and "/" not in path and not scope["query_string"]:
            await asyncio.get_running_loop().run_in_executor(own, context.mirror.forget, path)
        await app(scope, receive, send)

    return wrapped


def serve(
    port: int,
    folder: Path,
    is_open: bool = False,
    jobs_as: str | None = None,
    version: str = "",
    buffer_speed: float = BUFFER_SPEED,
    enforces_iam: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        is_open: accept calls with any signature or none.
        jobs_as: the user that jobs run as, if not this one.
        version: of the tool that starts it; written to the folder.
        buffer_speed: how many times faster than AWS's the clock of Firehose's buffers runs.
        enforces_iam: refuse what IAM's policies do not allow the caller.

    Raises:
        FolderTaken: another process serves this folder.
        NoKeys: the folder's key file has no keys.
        NoSuchStart: jobs cannot run as that user.
        PortTaken: another program uses the port.
    """
    give_ballast(folder)
    owner = Owner(folder, port, version)
    try:
        keys = own_keys(folder)
        job_user = JobUser.named(jobs_as, folder) if jobs_as else None
        listener = _bound(port)
        tell_address(folder, f"http://{HOST}:{port}")
    except BaseException:
        owner.give_back()
        raise
    emulator = Journal(_emulator(port, folder, keys), folder, owner)
    app = application(
        *(port, emulator, folder, keys),
        was_killed=owner.was_killed,
        is_open=is_open,
        job_user=job_user,
        buffer_speed=buffer_speed,
        enforces_iam=enforces_iam,
    )
    server = _Server(_settings(faults.injected(app)))
    # uvicorn gives back the handlers that it found, and the last steps come after that.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run([listener])
    emulator.close()


class PortTaken(Exception):
    """The port is not available; the message says why."""


def _bound(port: int) -> socket.socket:
    """Return a bound socket that does not listen yet. Raises PortTaken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise PortTaken(f"port {port} of {HOST} is not available: {(error.strerror or str(error)).lower()}") from None
    return listener


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Treat every signal as the first: all state is saved however often the user presses Ctrl-C."""
        self.should_exit = True


def _settings(app: AsgiApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        # The door checks the client's own headers.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
    )


def _emulator(port: int, folder: Path, keys: Keys) -> AsgiApp:
    """Import the emulator: it reads its settings on import, and its state and objects then or on startup."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(
        {
            # What runs in this process or below it, such as a function, finds this AWS and nothing of the person's.
            "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "GATEWAY_PORT": str(port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AWS_ACCESS_KEY_ID": keys.id,
            "AWS_SECRET_ACCESS_KEY": keys.secret,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(folder / "s3"),
            "TMPDIR": str(folder / "tmp"),
            # No second listener, and no container engine even if there is one.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",
        }
    )
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    merge_all(folder / "state")
    repair(folder / "s3")
    return importlib.import_module("ministack.app").app  # type: ignore[no-any-return]
