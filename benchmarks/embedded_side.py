"""The actions of benchmarks/embedded.py on one embedded AWS, in a process of that side: `embedded_side.py ACTION ...`.

It uses only code that both commits have, and the clients of `lake`, which know the keys. It prints seconds, or nothing.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lake.aws import Aws
from lake.configuration.reading import load
from lake.data.zones import empty

QUERIES = (
    "SELECT month, count(*) AS n, avg(delay) AS delay FROM flights GROUP BY month ORDER BY month",
    "SELECT carrier, max(delay) AS worst FROM flights WHERE month = '07' GROUP BY carrier ORDER BY worst DESC",
    "SELECT count(*) FROM flights WHERE month = '03' AND day = '14'",
    "SELECT c.name, count(*) AS n FROM flights f JOIN carriers c ON f.carrier = c.carrier GROUP BY c.name ORDER BY n",
    "SELECT * FROM carriers ORDER BY carrier LIMIT 10",
)
POLL_SECONDS = 0.2


class Side:
    def __init__(self) -> None:
        self.aws = Aws(load(Path("lake.yaml")))
        self.bucket = self.aws.names.bucket("raw")
        self.results = self.aws.names.bucket("athena")
        self.database = self.aws.names.database("raw")

    def prepare(self) -> None:
        """Create the buckets, the database and the crawlers that `lake up` would create."""
        for bucket in (self.bucket, self.results):
            self.aws.s3.create_bucket(Bucket=bucket)
        self.aws.glue.create_database(DatabaseInput={"Name": self.database})
        for dataset in self.aws.lake.config.datasets:
            self.aws.glue.create_crawler(
                Name=self.aws.names.crawler(dataset),
                Role="crawler",
                DatabaseName=self.database,
                Targets={"S3Targets": [{"Path": f"s3://{self.bucket}/{dataset}/"}]},
            )

    def clear(self) -> None:
        """Restore the state before `prepare`."""
        for dataset in self.aws.lake.config.datasets:
            self.aws.glue.delete_crawler(Name=self.aws.names.crawler(dataset))
        self.aws.glue.delete_database(Name=self.database)
        for bucket in (self.bucket, self.results):
            empty(self.aws, bucket)
            self.aws.s3.delete_bucket(Bucket=bucket)

    def crawl(self, dataset: str) -> float:
        glue, name = self.aws.glue, self.aws.names.crawler(dataset)
        begun = time.monotonic()
        glue.start_crawler(Name=name)
        while (crawler := glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
            time.sleep(POLL_SECONDS)
        seconds = time.monotonic() - begun
        assert crawler["LastCrawl"]["Status"] == "SUCCEEDED", crawler["LastCrawl"]
        return seconds

    def query(self, count: str) -> float:
        """Run queries concurrently, and read each answer."""
        begun = time.monotonic()
        with ThreadPoolExecutor(int(count)) as pool:
            list(pool.map(self._answer, range(int(count))))
        return time.monotonic() - begun

    def _answer(self, number: int) -> None:
        athena = self.aws.athena
        execution = athena.start_query_execution(
            QueryString=QUERIES[number % len(QUERIES)],
            QueryExecutionContext={"Database": self.database},
            ResultConfiguration={"OutputLocation": f"s3://{self.results}/"},
        )["QueryExecutionId"]
        while True:
            status = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
            if status["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(POLL_SECONDS)
        assert status["State"] == "SUCCEEDED", status
        athena.get_query_results(QueryExecutionId=execution)


if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    print(getattr(Side(), action)(*arguments) or "")
