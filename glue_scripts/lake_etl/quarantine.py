"""The quarantine zone: every row and file that could not be used, with its origin and the reason."""

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from lake_etl.report import observe_rows, observed
from lake_etl.source import Source

READER = "reader"
FILES = "source_file string, raw string, reason string"


@dataclass(frozen=True)
class Quarantine:
    """The folder of one run: JSON lines of dataset, source_file, raw, reason, found_by, job, run_id, quarantined_at.

    found_by is READER, and raw the row's own text in its file; or found_by is a step or `expect`, and raw the row at
    that point, as JSON.
    """

    bucket: str
    job: str
    run_id: str
    started: datetime

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.job}/run_date={self.started:%Y-%m-%d}/{self.run_id}/"

    def keep(self, spark: SparkSession, source: Source) -> dict[str, int]:
        """Write what the source could not read, and return the counts. Its rows must have been read."""
        rows = 0
        if source.rejected and observed(source.counts)["bad"]:
            rows = self._write(source.dataset, READER, source.rejected())
        if source.files:
            listed = [(path, None, reason) for path, reason in source.files.items()]
            self._write(source.dataset, READER, spark.createDataFrame(listed, FILES))
        return {"rows": rows, "files": len(source.files)}

    def keep_rows(self, dataset: str, found_by: str, rejected: DataFrame) -> int:
        """Write the rows of this dataset that a step of the job rejected, and return their number."""
        return self._write(dataset, found_by, rejected)

    def _write(self, dataset: str, found_by: str, rejected: DataFrame) -> int:
        origin = {
            "dataset": dataset,
            "found_by": found_by,
            "job": self.job,
            "run_id": self.run_id,
            "quarantined_at": self.started.isoformat(),
        }
        rejected = rejected.withColumns({name: fn.lit(value) for name, value in origin.items()})
        rejected, count = observe_rows(rejected)
        rejected.write.mode("append").json(self.location)
        return int(observed(count)["rows"])
