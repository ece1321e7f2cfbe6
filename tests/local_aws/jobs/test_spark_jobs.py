"""Glue Spark jobs: a real Spark on `s3://` paths."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.local_aws.conftest import until
from tests.local_aws.jobs.conftest import ended

pytestmark = pytest.mark.spark


def _zip(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, text)
    return buffer.getvalue()


def _rows(lab: Any, key: str) -> list[dict[str, Any]]:
    body = lab.aws("s3").get_object(Bucket=lab.bucket, Key=key)["Body"].read()
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(body)).to_pylist()
    return rows


def test_a_spark_job_reads_and_overwrites_s3_objects_with_glues_arguments(lab: Any) -> None:
    lab.put("in/a.csv", "id,name\n1,x\n2,y\n")
    lab.put("out/stale.parquet", "is overwritten")
    lab.put("beside/kept.txt", "stays")
    library = lab.put("lib/shouting.zip", _zip("shouting.py", "def shout(word):\n    return word.upper()\n"))
    run = lab.run(
        """
        import sys
        from pyspark.sql import SparkSession
        from pyspark.sql.functions import udf
        from shouting import shout

        options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
        spark = SparkSession.builder.getOrCreate()
        table = spark.read.option("header", True).csv(options["--source"])
        table = table.withColumn("name", udf(shout)("name"))
        table.coalesce(1).write.mode("overwrite").parquet(options["--target"])
        print(options["--JOB_NAME"], spark.conf.get("spark.sql.ansi.enabled"), spark.conf.get("spark.sql.x"))
        """,
        kind="glueetl",
        DefaultArguments={
            "--source": f"s3://{lab.bucket}/in/",
            "--target": f"s3a://{lab.bucket}/out",
            "--extra-py-files": library,
            "--conf": "spark.sql.ansi.enabled=true --conf spark.sql.x=a=b",
            "--enable-auto-scaling": "true",
        },
    )
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    success, part = lab.keys("out/")
    assert success == "out/_SUCCESS"
    assert _rows(lab, part) == [{"id": "1", "name": "X"}, {"id": "2", "name": "Y"}]
    assert lab.keys("beside/") == ["beside/kept.txt"]
    assert lab.lines(run, "output") == [f"{run['JobName']} true a=b"]


def test_a_failed_spark_job_says_why_and_keeps_what_it_wrote(lab: Any) -> None:
    run = lab.run(
        f"""
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.getOrCreate()
        spark.range(3).write.parquet("s3://{lab.bucket}/out")
        spark.range(3).write.parquet("s3://no-such-bucket/out")
        """,
        kind="glueetl",
    )
    assert run["JobRunState"] == "FAILED"
    assert "no-such-bucket" in run["ErrorMessage"]
    assert run["ErrorMessage"].endswith("(exit code 1)")
    assert "out/_SUCCESS" in lab.keys("out/")
    assert any("Traceback" in line for line in lab.lines(run, "error"))


def test_registered_files_are_in_s3_while_the_run_is_going_on(lab: Any) -> None:
    lab.glue.create_database(DatabaseInput={"Name": lab.bucket})
    location = f"s3://{lab.bucket}/out/"
    run = lab.run(
        f"""
        import boto3, os, signal
        from pyspark.sql import SparkSession

        SparkSession.builder.getOrCreate().range(3).coalesce(1).write.parquet("{location}")
        listed = lambda: boto3.client("s3").list_objects_v2(Bucket="{lab.bucket}", Prefix="out/")["KeyCount"]
        print(listed())
        table = {{"Name": "t", "StorageDescriptor": {{"Location": "{location}"}}}}
        boto3.client("glue").create_table(DatabaseName="{lab.bucket}", TableInput=table)
        print(listed())
        os.killpg(0, signal.SIGKILL)
        """,
        kind="glueetl",
    )
    assert run["ErrorMessage"] == "the process was killed by signal 9 (SIGKILL)"
    assert lab.lines(run, "output") == ["0", "2"]


SCALA = {"--job-language": "scala", "--class": "GlueApp"}


def test_a_scala_job_reads_and_writes_s3_with_glues_arguments(lab: Any) -> None:
    lab.put("in/a.csv", "id,name\n1,x\n2,y\n")
    script = """
        import org.apache.spark.sql.SparkSession

        object GlueApp {
          def main(sysArgs: Array[String]): Unit = {
            val options = sysArgs.grouped(2).map { case Array(name, value) => name -> value }.toMap
            val spark = SparkSession.builder.getOrCreate()
            val table = spark.read.option("header", true).csv(options("--source"))
            table.selectExpr("id", "upper(name) AS name").coalesce(1).write.parquet(options("--target"))
            println(options("--JOB_NAME") + " " + spark.conf.get("spark.sql.x"))
          }
        }
    """
    places = {"--source": f"s3://{lab.bucket}/in/", "--target": f"s3a://{lab.bucket}/out"}
    job = lab.job(script, "glueetl", DefaultArguments={**SCALA, **places, "--conf": "spark.sql.x=a=b"})
    run = ended(lab.glue, job, lab.start(job))
    assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    assert _rows(lab, lab.keys("out/")[1]) == [{"id": "1", "name": "X"}, {"id": "2", "name": "Y"}]
    assert lab.lines(run, "output") == [f"{job} a=b"]
    again = ended(lab.glue, job, lab.start(job))
    assert again["JobRunState"] == "FAILED"
    assert "out already exists" in again["ErrorMessage"]


def test_a_scala_script_that_does_not_compile_fails_with_the_compilers_first_error(lab: Any) -> None:
    script = "object GlueApp {\n  val (one, two) = (first, second)\n}\n"
    run = lab.run(script, kind="glueetl", DefaultArguments=SCALA)
    assert run["JobRunState"] == "FAILED"
    assert run["ErrorMessage"] == f"{run['JobName']}.scala:2: error: not found: value first (exit code 1)"
    assert any("not found: value second" in line for line in lab.lines(run, "error"))


def test_an_error_in_a_joined_script_is_reported_with_file_and_line(lab: Any) -> None:
    script = "// Joined from scala/one.scala\nobject One\n\n// Joined from scala/app.scala\nobject GlueApp {\n  %s\n}\n"
    broken = lab.run(script % "val one = first", kind="glueetl", DefaultArguments=SCALA)
    failing = "def main(sysArgs: Array[String]): Unit = sys.error(sysArgs.head)"
    failed = lab.run(script % failing, kind="glueetl", DefaultArguments=SCALA)

    assert broken["ErrorMessage"] == "scala/app.scala:2: error: not found: value first (exit code 1)"
    assert any(line.startswith("scala/app.scala:2: error:") for line in lab.lines(broken, "error"))
    assert any(line.strip() == "at GlueApp$.main(scala/app.scala:2)" for line in lab.lines(failed, "error"))


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("glueetl", {"--job-language": "scala"}, "--class is missing: a Scala job names the object whose main is run."),
        ("pythonshell", SCALA, "--job-language scala: allowed are python and, for a Spark job, scala."),
    ],
)
def test_a_scala_job_that_cannot_run_says_why(lab: Any, kind: str, arguments: dict[str, str], message: str) -> None:
    run = lab.run("object GlueApp", kind=kind, DefaultArguments=arguments)
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", message)


def test_a_second_run_resumes_from_the_firsts_checkpoint_in_s3(lab: Any) -> None:
    job = lab.job(
        f"""
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.getOrCreate()
        stream = spark.readStream.schema("id int, name string").csv("s3://{lab.bucket}/in/")
        sink = stream.writeStream.option("checkpointLocation", "s3://{lab.bucket}/checkpoint").format("parquet")
        sink.option("path", "s3://{lab.bucket}/out").trigger(availableNow=True).start().awaitTermination()
        """,
        kind="glueetl",
    )
    for number in (1, 2):
        lab.put(f"in/{number}.csv", f"{number},x\n")
        run = ended(lab.glue, job, lab.start(job))
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
    parts = [key for key in lab.keys("out/") if key.endswith(".parquet")]
    rows = [row["id"] for part in parts for row in _rows(lab, part)]
    assert sorted(rows) == [1, 2]


def test_a_streaming_job_runs_until_stopped_and_its_output_is_in_s3(lab: Any) -> None:
    lab.put("in/1.csv", "1,x\n2,y\n")
    job = lab.job(
        f"""
        from pyspark.sql import SparkSession

        def counted(frame, number):
            frame.write.mode("append").parquet("s3://{lab.bucket}/out/")
            print(f"batch {{number}}: {{frame.count()}} rows", flush=True)

        spark = SparkSession.builder.getOrCreate()
        stream = spark.readStream.schema("id int, name string").csv("s3://{lab.bucket}/in/")
        stream.writeStream.foreachBatch(counted).trigger(processingTime="1 second").start().awaitTermination()
        """,
        kind="gluestreaming",
    )
    run_id = lab.start(job)
    until(lambda: lab.printed(job, run_id))
    lab.glue.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
    run = ended(lab.glue, job, run_id)
    assert (run["JobRunState"], lab.lines(run, "output")) == ("STOPPED", ["batch 0: 2 rows"])
    rows = [row["id"] for part in lab.keys("out/") if part.endswith(".parquet") for row in _rows(lab, part)]
    assert sorted(rows) == [1, 2]


def test_a_users_script_that_exits_with_3_fails_with_its_last_line(lab: Any) -> None:
    run = lab.run(
        """
        import sys
        from pyspark.sql import SparkSession

        options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
        count = SparkSession.builder.getOrCreate().range(5).where(f"id > {options['--threshold']}").count()
        print(f"{count} planes are no fleet", file=sys.stderr)
        sys.exit(3)
        """,
        kind="glueetl",
        DefaultArguments={"--threshold": "3"},
    )
    assert (run["JobRunState"], run["ErrorMessage"]) == ("FAILED", "1 planes are no fleet (exit code 3)")
