"""One crawl: reads the objects of its targets and writes the tables of its database."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from local_aws.context import Context
from local_aws.crawlers import formats, jdbc
from local_aws.crawlers.catalog import Catalog, Changes
from local_aws.crawlers.events import changed_folders
from local_aws.crawlers.formats import UnsupportedError
from local_aws.crawlers.inference import Schema, schemas
from local_aws.crawlers.logs import CrawlLog
from local_aws.crawlers.merge import Policy, configuration
from local_aws.crawlers.targets import FoundTable, Grouping, Target, folder_at, folder_of, partitioned, tables
from local_aws.mirror import S3File, split_uri
from local_aws.protocol import Document

_AT_ONCE = 1000
"""Number of objects to fetch between progress messages and checks for a stop."""


class StoppedError(Exception):
    """StopCrawler was called."""


@dataclass
class Crawl:
    """One run of a crawler, as GetCrawler describes it.

    Attributes:
        listed: whether an earlier crawl listed all of its targets; event mode then crawls only what has changed.
    """

    context: Context
    region: str
    crawler: Document
    log: CrawlLog
    stop: threading.Event
    listed: bool = False

    def __post_init__(self) -> None:
        self.policy = Policy.of(self.crawler)
        self.catalog = Catalog(
            self.context.client("glue", self.region),
            self.crawler["DatabaseName"],
            self.crawler["Name"],
            self.crawler.get("TablePrefix", ""),
            self.policy,
            self.log.info,
            self.log.warn,
        )

    def run(self) -> Changes:
        """Crawl every target.

        Raises:
            UnsupportedError: a target or classifier that cannot be crawled here.
            StoppedError: `stop` was set; checked between steps.
            ClientError: the database or a bucket does not exist.
        """
        targets, classifiers = self._targets(), self._classifiers()
        self.log.info(f"Crawler configured with SchemaChangePolicy {json.dumps(self.crawler['SchemaChangePolicy'])}")
        self.catalog.tables()
        for database in self.crawler["Targets"].get("JdbcTargets") or []:
            jdbc.crawl(self.context, self.region, database, self.catalog)
        if self.policy.by_events and self.listed:
            self._crawl_changed(targets, classifiers)
        else:
            self._crawl({target: self._listed(target) for target in targets}, classifiers)
        self.log.benchmark("Finished writing to Catalog")
        return self.catalog.changes

    def _crawl(self, listings: dict[Target, list[S3File]], classifiers: Sequence[Document]) -> None:
        found = {target: self._found(target, files, classifiers) for target, files in listings.items()}
        self.log.benchmark(f"Classification complete, writing results to database {self.catalog.database}")
        self._write(found, listings)

    def _crawl_changed(self, targets: Sequence[Target], classifiers: Sequence[Document]) -> None:
        """Crawl only the folders of the objects that the crawler's queue names."""
        if len(targets) > 1:
            raise UnsupportedError("Targets: a crawler in event mode has one target")
        (target,), (given,) = targets, self.crawler["Targets"]["S3Targets"]
        self.log.info("The crawl is running by consuming Amazon S3 events.")
        sqs, own = self.context.client("sqs", self.region), self.context.of_aws.client("sqs", self.region)
        with changed_folders(sqs, own, given, self.log.warn) as folders:
            self.catalog.folders = {folder for folder in folders if folder.startswith(target.uri)}
            listed = [file for folder in sorted(self.catalog.folders) for file in self._directly_in(target, folder)]
            self._crawl({target: listed}, classifiers)
            self._settle_emptied(target, listed)

    def _directly_in(self, target: Target, folder: str) -> list[S3File]:
        files = self.context.mirror.list(*split_uri(folder))
        return [f for f in files if target.holds(f) and f.uri.rpartition("/")[0] + "/" == folder]

    def _targets(self) -> list[Target]:
        given = {kind: found for kind, found in self.crawler["Targets"].items() if found}
        others = sorted(set(given) - {"S3Targets", "JdbcTargets"})
        if others or not given:
            raise UnsupportedError(
                "Targets: the embedded crawler can crawl S3Targets and JdbcTargets; "
                f"given: {', '.join(others) or 'none'}. Give the crawler at least one of them and no other."
            )
        return [Target.of(document) for document in given.get("S3Targets", [])]

    def _classifiers(self) -> list[Document]:
        names = self.crawler.get("Classifiers", [])
        classifiers = [self.catalog.glue.get_classifier(Name=name)["Classifier"] for name in names]
        formats.check(classifiers)
        return classifiers

    def _listed(self, target: Target) -> list[S3File]:
        files = [f for f in self.context.mirror.list(target.bucket, target.prefix) if target.holds(f)]
        if not files:
            self.log.warn(f"No data in s3://{target.bucket}/{target.prefix}")
        self.log.progress(f"Objects seen in {target.uri}: {len(files):,}")
        return files

    def _found(
        self, target: Target, listed: Sequence[S3File], classifiers: Sequence[Document]
    ) -> tuple[list[FoundTable], dict[S3File, Schema]]:
        self._stop_here()
        looks_back = not self.policy.new_folders_only and self.catalog.folders is None
        known = {} if looks_back else self._known_tables()
        chosen = target.sampled(_outside(listed, known) if self.policy.new_folders_only else listed)
        self._bring(target, chosen)
        read = schemas_of(chosen, classifiers, self.log.warn)
        return self._grouped(target, read, known), read

    def _bring(self, target: Target, chosen: Sequence[S3File]) -> None:
        for start in range(0, len(chosen), _AT_ONCE):
            self.context.mirror.bring(target.bucket, chosen[start : start + _AT_ONCE])
            fetched = min(start + _AT_ONCE, len(chosen))
            self.log.progress(f"Objects fetched from {target.uri}: {fetched:,} of {len(chosen):,}")
            self._stop_here()

    def _grouped(self, target: Target, read: dict[S3File, Schema], known: Iterable[str]) -> list[FoundTable]:
        """Group the files. Files under the location of a known table stay with it."""
        if not target.is_folder:
            return [FoundTable.of_file(file) for file in read]
        homes = {file: max((at for at in known if file.uri.startswith(at)), key=len, default="") for file in read}
        groups = {home: {f: read[f] for f in read if homes[f] == home} for home in dict.fromkeys(homes.values())}
        new = groups.pop("", {})
        grouping = Grouping.of(configuration(self.crawler))
        return [
            *(self._of_known(home, held) for home, held in groups.items()),
            *(tables(target.folder, new, grouping, self.log.warn) if new else []),
        ]

    def _of_known(self, home: str, held: Mapping[S3File, Schema]) -> FoundTable:
        if home.endswith("/"):
            return partitioned(folder_at(home), held, self.log.warn)
        return FoundTable.of_file(next(iter(held)))

    def _known_tables(self) -> dict[str, set[str]]:
        """Return table location -> the folders (as URIs) that were crawled before."""
        return {
            table["StorageDescriptor"]["Location"]: {
                table["StorageDescriptor"]["Location"],
                *(part["StorageDescriptor"]["Location"] for part in self.catalog.partitions(table["Name"]).values()),
            }
            for table in self.catalog.own_tables()
        }

    def _write(
        self,
        found: dict[Target, tuple[list[FoundTable], dict[S3File, Schema]]],
        listings: dict[Target, list[S3File]],
    ) -> None:
        for target, (group, read) in found.items():
            for table in group:
                self._stop_here()
                self.catalog.write(table, read, listings[target])
        if not self.policy.new_folders_only and self.catalog.folders is None:
            self._settle_vanished([table for group, _ in found.values() for table in group], listings)

    def _settle_vanished(self, found: Sequence[FoundTable], listings: dict[Target, list[S3File]]) -> None:
        """Settle tables of this crawler that are gone: no data is left under them except that of other tables."""
        homes = {file: table.location for table in found for file in table.files}
        for table in self.catalog.own_tables():
            location = table["StorageDescriptor"]["Location"]
            if not location.startswith("s3://"):
                continue
            bucket, key = split_uri(location)
            within = [t for t in listings if t.bucket == bucket and key.startswith(t.prefix)]
            files = [file for target in within for file in listings[target] if file.uri.startswith(location)]
            if within and all(homes.get(file, location) != location for file in files):
                self.catalog.settle_vanished(table)

    def _settle_emptied(self, target: Target, listed: Sequence[S3File]) -> None:
        """Settle partitions and tables that have no data left in a changed folder."""
        for table in self.catalog.own_tables():
            location = table["StorageDescriptor"]["Location"]
            if any(folder.startswith(location.rpartition("/")[0] + "/") for folder in self.catalog.folders or ()):
                self.catalog.settle_emptied(table, listed)
                if not any(target.holds(file) for file in self.context.mirror.list(*split_uri(location))):
                    self.catalog.settle_vanished(table)

    def _stop_here(self) -> None:
        if self.stop.is_set():
            raise StoppedError


def schemas_of(
    files: Iterable[S3File], classifiers: Sequence[Document], warn: Callable[[str], None]
) -> dict[S3File, Schema]:
    """Return the schema of each recognised and readable file. Warnings name the other files."""
    recognised = {file: formats.recognised(file.path, classifiers) for file in files}
    for file in (file for file, fmt in recognised.items() if fmt is None):
        warn(f"Skipped {file.uri}: no classifier recognises it")
    return schemas({file: fmt for file, fmt in recognised.items() if fmt}, warn)


def _outside(files: Sequence[S3File], known: Mapping[str, set[str]]) -> list[S3File]:
    """Return the files in folders that no crawl has seen."""
    seen = {folder for folders in known.values() for folder in folders}
    return [file for file in files if f"s3://{'/'.join(folder_of(file))}/" not in seen]
