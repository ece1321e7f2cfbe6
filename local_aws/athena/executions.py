"""The life cycle of a query execution: queued, running, ended."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import threading
import time
import uuid
from queue import SimpleQueue
from typing import Any

import duckdb
from sqlglot.errors import SqlglotError

from local_aws import disk
from local_aws.athena import errors, results, reuse, statements, unfinished
from local_aws.athena.errors import QueryCancelled, QueryFailed
from local_aws.athena.memory import Memory
from local_aws.athena.query import differences
from local_aws.athena.request import Request
from local_aws.athena.results import Answer
from local_aws.athena.session import Session, connection
from local_aws.athena.tables import Catalog
from local_aws.context import Context
from local_aws.events import Ended
from local_aws.mirror import split_uri
from local_aws.permissions.principals import Principal
from local_aws.protocol import AwsError, Document
from local_aws.startup import once_answering

_COLLECTION = "athena_executions"
_THREADS = 4
_CACHED_RESULTS = 8
_SMALL = 8 * 1024 * 1024
_FRAMES = 5000
"""Of Python's stack: each level of an expression takes some twenty, and people's tools write hundreds of levels."""
_OVER = ("SUCCEEDED", "FAILED", "CANCELLED")

log = logging.getLogger("local_aws.athena")


class Executions:
    """The query executions of this AWS and the threads that run them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._work = context.folder / "athena"
        self._queue: SimpleQueue[tuple[str, Request]] = SimpleQueue()
        self._running: dict[str, duckdb.DuckDBPyConnection] = {}
        self._lock = threading.RLock()
        self._rows: dict[str, list[list[str | None]]] = {}
        self._memory = Memory()
        self._tokens = {entry["Token"]: key for key, entry in self._store.all(_COLLECTION).items()}
        self._fail_interrupted()
        self._is_clean = once_answering(context.endpoint, lambda: unfinished.take_back_all(context))
        sys.setrecursionlimit(max(_FRAMES, sys.getrecursionlimit()))
        # Daemon threads: a query that runs does not hold up the end of the process.
        for number in range(_THREADS):
            threading.Thread(target=self._run_queue, name=f"athena-{number}", daemon=True).start()

    def start(self, request: Request) -> str:
        """Queue a query and return its id; a known token returns the id of the earlier query."""
        with self._lock:
            known = self._tokens.get(request.token) if request.token else None
            if known and (entry := self._store.get(_COLLECTION, known)):
                return self._same(known, entry, request)
            execution = str(uuid.uuid4())
            entry = {
                "Token": request.token,
                "Region": request.region,
                "QueryExecution": request.queued(execution),
            }
            earlier = self._reusable(request) if request.reuse is not None else None
            if earlier is not None:
                reuse.give(entry, earlier, _statistics(time.time(), None))
            self._store.put(_COLLECTION, execution, entry)
            self._tokens[request.token] = execution
        if earlier is None:
            self._queue.put((execution, request))
        return execution

    def _reusable(self, request: Request) -> Document | None:
        """Return the latest execution of the same query whose result is recent enough and still exists."""
        if not statements.is_query(request.text):
            return None
        oldest = time.time() - 60 * (request.reuse or 0)
        asked = (request.sql, request.parameters, request.database)
        for execution in self.ids(request.workgroup, request.region):
            entry = self._store.get(_COLLECTION, execution)
            if (
                entry
                and reuse.is_same(entry["QueryExecution"], asked, oldest)
                and self._has_result(entry, request.caller)
            ):
                return entry
        return None

    def _has_result(self, entry: Document, caller: Principal) -> bool:
        try:
            self._read(entry, caller)
        except AwsError:
            return False
        return True

    def get(self, execution: str) -> Document:
        """Return the QueryExecution document.

        Raises:
            AwsError: InvalidRequestException if there is no such execution.
        """
        return dict(self._entry(execution)["QueryExecution"])

    def find(self, execution: str) -> Document | None:
        entry = self._store.get(_COLLECTION, execution)
        return entry and dict(entry["QueryExecution"])

    def ids(self, workgroup: str, region: str) -> list[str]:
        """Return the executions of a work group, newest first."""
        entries = self._store.all(_COLLECTION).items()
        mine = [(e["QueryExecution"], e["Region"]) for _, e in entries]
        dated = [
            (doc["Status"]["SubmissionDateTime"], doc["QueryExecutionId"])
            for doc, its_region in mine
            if doc["WorkGroup"] == workgroup and its_region == region
        ]
        return [execution for _, execution in sorted(dated, reverse=True)]

    def forget(self, workgroup: str, region: str) -> None:
        """Drop the history of a deleted work group."""
        for execution in self.ids(workgroup, region):
            self._store.delete(_COLLECTION, execution)

    def stop(self, execution: str) -> None:
        """Cancel a query unless it has ended."""
        with self._lock:
            self._entry(execution)
            self._finish(execution, "CANCELLED", "Query cancelled by user")
        threading.Thread(target=self._interrupt, args=(execution,), daemon=True).start()

    def _interrupt(self, execution: str) -> None:
        """Interrupt repeatedly: an interrupt between two statements of a connection is lost."""
        while (con := self._running.get(execution)) is not None:
            con.interrupt()
            time.sleep(0.1)

    def _run_queue(self) -> None:
        self._is_clean.wait()
        while True:
            execution, request = self._queue.get()
            try:
                self._run(execution, request)
            except Exception as error:
                self._fail_unsaved(execution, error)

    def _fail_unsaved(self, execution: str, error: Exception) -> None:
        """The outcome of a query could not be saved, as on a full disk: fail the query once that can be saved."""
        log.exception("the end of query %s could not be kept", execution)
        reason = disk.reason_of(error, self._context.folder) or "the end of the query could not be kept"
        disk.once_there_is_room(lambda: self._finish(execution, "FAILED", reason))

    def result(self, execution: str, caller: Principal) -> tuple[Document, list[list[str | None]]]:
        """What was kept of the answer (columns, header, update count) and its rows, header included.

        Raises:
            AwsError: InvalidRequestException if the query has not succeeded or its object is gone.
        """
        entry = self._entry(execution)
        state = entry["QueryExecution"]["Status"]["State"]
        if state != "SUCCEEDED":
            raise AwsError("InvalidRequestException", _NOT_READY.get(state, _UNFINISHED).format(state))
        if not caller.is_root:  # Whether they may is looked at each time.
            return entry["Answer"], self._read(entry, caller)
        if execution not in self._rows:
            while len(self._rows) >= _CACHED_RESULTS:
                self._rows.pop(next(iter(self._rows)))
            self._rows[execution] = self._read(entry, caller)
        return entry["Answer"], self._rows[execution]

    def _read(self, entry: Document, caller: Principal) -> list[list[str | None]]:
        location = entry["QueryExecution"]["ResultConfiguration"]["OutputLocation"]
        bucket, key = split_uri(location)
        s3 = self._context.acting(caller).client("s3", entry["Region"])
        try:
            text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        except s3.exceptions.ClientError as error:
            raise AwsError("InvalidRequestException", f"Could not find results: {location}") from error
        return results.rows_of(text, location.endswith(".csv"), len(entry["Answer"]["Columns"]))

    def _same(self, execution: str, entry: Document, request: Request) -> str:
        if entry["QueryExecution"]["Query"] != request.sql:
            raise AwsError("InvalidRequestException", "Idempotent parameters do not match")
        return execution

    def _entry(self, execution: str) -> Document:
        entry = self._store.get(_COLLECTION, execution)
        if entry is None:
            raise AwsError("InvalidRequestException", f"QueryExecution {execution} was not found")
        return entry

    def _run(self, execution: str, request: Request) -> None:
        begun = time.time()
        session: Session | None = None
        try:
            if not self._change(execution, {"State": "RUNNING"}):
                return
            with connection(self._context.folder / "mirror", self._work) as con:
                session = self._session(con, execution, request)
                answer = self._answer(session, request)
            note = differences.note_of(session.differences)
            self._succeed(execution, request, answer, note, _statistics(begun, session))
        except QueryCancelled as error:
            unfinished.take_back(self._context, execution)
            self._finish(execution, "CANCELLED", str(error), statistics=_statistics(begun, session))
        except Exception as error:
            unfinished.take_back(self._context, execution)
            reason = disk.reason_of(error, self._context.folder) or _reason(error, request.text)
            if reason == errors.WITHOUT_REASON or not isinstance(error, QueryFailed | duckdb.Error | SqlglotError):
                log.exception("query %s failed: %s", execution, request.text)
            self._finish(execution, "FAILED", reason, error, _statistics(begun, session))
        finally:
            for left in self._work.glob(f"{execution}.*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    def _session(self, con: duckdb.DuckDBPyConnection, execution: str, request: Request) -> Session:
        catalog = Catalog(self._context.acting(request.caller), request.region, self._memory)
        return Session(
            con,
            catalog,
            request.database,
            self._work,
            request.cutoff,
            request.output,
            execution,
            request.workgroup,
        )

    def _answer(self, session: Session, request: Request) -> Answer:
        self._running[session.execution] = session.con
        try:
            if self.get(session.execution)["Status"]["State"] in _OVER:
                raise QueryCancelled("Query cancelled by user")
            return statements.run(request.text, session, self._work / session.execution)
        finally:
            del self._running[session.execution]

    def _succeed(self, execution: str, request: Request, answer: Answer, note: str, statistics: Document) -> None:
        bucket, key = split_uri(request.location(execution, answer.file.suffix))
        s3 = self._context.acting(request.caller).client("s3", request.region)
        about = {"ColumnInfo": answer.columns}
        try:
            if answer.file.stat().st_size > _SMALL:
                s3.upload_file(str(answer.file), bucket, key)
            else:  # Without the threads of a managed transfer.
                s3.put_object(Bucket=bucket, Key=key, Body=answer.file.read_bytes())
            s3.put_object(Bucket=bucket, Key=f"{key}.metadata", Body=json.dumps(about).encode())
            statistics |= self._write_manifest(s3, request, execution, answer.manifest)
        except Exception as error:
            refused = f"Access denied or no such bucket when writing the result to s3://{bucket}/{key}"
            reason = disk.reason_of(error, self._context.folder) or refused
            unfinished.take_back(self._context, execution)
            self._finish(execution, "FAILED", reason, error, statistics)
            return
        kept = {"Columns": answer.columns, "Header": answer.header, "UpdateCount": answer.update_count}
        with self._lock, self._store.transaction():
            self._store.update(_COLLECTION, execution, Answer=kept)
            if self._finish(execution, "SUCCEEDED", note or None, statistics=statistics):
                unfinished.settle(self._context, execution)
        unfinished.take_back(self._context, execution)  # the query was cancelled meanwhile

    def _write_manifest(self, s3: Any, request: Request, execution: str, uris: list[str]) -> Document:
        if not uris:
            return {}
        location = f"{request.output.rstrip('/')}/{execution}-manifest.csv"
        bucket, key = split_uri(location)
        s3.put_object(Bucket=bucket, Key=key, Body="".join(f"{uri}\n" for uri in uris).encode())
        return {"DataManifestLocation": location}

    def _finish(
        self,
        execution: str,
        state: str,
        reason: str | None,
        error: Exception | None = None,
        statistics: Document | None = None,
    ) -> bool:
        """End an execution. Returns False if it had already ended."""
        status: Document = {"State": state, "CompletionDateTime": time.time()}
        if reason is not None:
            status["StateChangeReason"] = reason
        if error is not None:
            known = isinstance(error, QueryFailed | duckdb.Error | SqlglotError)
            status["AthenaError"] = {
                "ErrorCategory": 2 if known else 1,
                "ErrorType": getattr(error, "error_type", errors.USER_ERROR if known else 200),
                "Retryable": False,
                "ErrorMessage": reason,
            }
        return self._change(execution, status, statistics)

    def _change(self, execution: str, status: Document, statistics: Document | None = None) -> bool:
        """Set the status of an execution. Returns False if it has already ended."""
        with self._lock:
            entry = self._store.get(_COLLECTION, execution)
            if entry is None or entry["QueryExecution"]["Status"]["State"] in _OVER:
                return False
            document = entry["QueryExecution"]
            document["Status"] |= status
            document["Statistics"] |= statistics or {}
            self._store.put(_COLLECTION, execution, entry)
            if document["Status"]["State"] in _OVER:
                self._context.events.tell(_ended(entry))
            return True

    def _fail_interrupted(self) -> None:
        """Fail the queries that were queued or running when the process ended, and remove what they wrote."""
        shutil.rmtree(self._work, ignore_errors=True)
        for execution in self._store.all(_COLLECTION):
            self._finish(execution, "FAILED", "The embedded AWS ended while this query ran; start it again.")


def _reason(error: Exception, sql: str) -> str:
    """Why a statement failed, and whether it may be one that AWS runs."""
    reason = errors.reason_of(error, sql)
    note = differences.note_of(differences.refusing(sql)) if reason.startswith(MAY_RUN_ON_AWS) else ""
    return f"{reason.rstrip('.')}. {note}" if note else reason


MAY_RUN_ON_AWS = ("NOT_SUPPORTED", "FUNCTION_NOT_FOUND", "SYNTAX_ERROR", "INVALID_LITERAL", "INVALID_CAST_ARGUMENT")
_UNFINISHED = "Query has not yet finished. Current state: {}"
_NOT_READY = {
    "FAILED": "Query did not finish successfully. Final query state: {}",
    "CANCELLED": "Query did not finish successfully. Final query state: {}",
}


def _statistics(begun: float, session: Session | None) -> Document:
    millis = int((time.time() - begun) * 1000)
    return {
        "DataScannedInBytes": session.scanned if session else 0,
        "EngineExecutionTimeInMillis": millis,
        "TotalExecutionTimeInMillis": millis,
        "QueryQueueTimeInMillis": 0,
        "QueryPlanningTimeInMillis": 0,
        "ServiceProcessingTimeInMillis": 0,
        "ResultReuseInformation": {"ReusedPreviousResult": False},
    }


def _ended(entry: Document) -> Ended:
    document = entry["QueryExecution"]
    statistics, state = document.get("Statistics", {}), document["Status"]["State"]
    return Ended(
        *("QUERY", entry["Region"], document["WorkGroup"], state),
        run=document["QueryExecutionId"],
        type=document.get("StatementType", ""),
        millis=statistics.get("TotalExecutionTimeInMillis", 0),
        bytes=statistics.get("DataScannedInBytes", 0),
    )
