"""The quarantine zone: every row and file that could not be used, with where it came from and why."""

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as fn

from lake_etl.report import observe_rows, observed
from lake_etl.source import Source

FILES = "source_file string, raw string, reason string"


@dataclass(frozen=True)
class Quarantine:
    """The folder of one run: JSON lines of dataset, source_file, raw, reason, job, run_id, quarantined_at."""

    bucket: str
    job: str
    run_id: str
    started: datetime

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.job}/run_date={self.started:%Y-%m-%d}/{self.run_id}/"

    def keep(self, spark: SparkSession, source: Source) -> dict[str, int]:
        """Write what the source could not read, and say how much that was. Its rows must have been read."""
        rows = 0
        if source.rejected and observed(source.counts)["bad"]:
            rows = self._write(source.dataset, source.rejected())
        if source.files:
            listed = [(path, None, reason) for path, reason in source.files.items()]
            self._write(source.dataset, spark.createDataFrame(listed, FILES))
        return {"rows": rows, "files": len(source.files)}

    def keep_rows(self, dataset: str, rejected: DataFrame) -> int:
        """Write the rows that a step of the job left out, and say how many. They came from this dataset."""
        return self._write(dataset, rejected)

    def _write(self, dataset: str, rejected: DataFrame) -> int:
        told = {
            "dataset": dataset,
            "job": self.job,
            "run_id": self.run_id,
            "quarantined_at": self.started.isoformat(),
        }
        rejected = rejected.withColumns({name: fn.lit(value) for name, value in told.items()})
        rejected, count = observe_rows(rejected)
        rejected.write.mode("append").json(self.location)
        return int(observed(count)["rows"])
