"""From the lake to a model in one run: `make demo-ml`.

It calls nothing but the commands a person would: the sample lake's flights become a training set, SageMaker's pipeline
trains and evaluates a model on it, and the last two months are predicted back into the lake. The AUC is compared with
what scikit-learn alone gives on the same files, and a set with the delay left in has to be refused. Exit code 1 if the
figures differ. The lake stays up.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from examples import sample
from examples.console import answer, lake, prompt, say, seconds
from lake.aws import Aws
from lake.configuration.reading import load
from local_aws.sagemaker.home import environment_folder

SOURCE = Path(__file__).resolve().parent / "late_flights"
LAKE = Path(".local/late_flights")
NAME = "late_flights"
SAME = 5e-7
"""Equal to six digits behind the point."""


def main() -> None:
    files = sample.write(Path(".local/sample")).absolute()
    _enter()
    lake("local", "start")
    lake("up")
    for dataset in ("flights", "weather"):
        lake("put", dataset, str(files / dataset))
    lake("crawl", "flights", "weather")
    for job in ("departures", "observations"):
        lake("run", job)
    lake("dataset", "build", NAME)
    lake("train", NAME)
    lake("evaluate", NAME)
    # The rows of the test part: it goes by the time for which a row asks, an hour before the flight.
    lake("predict", NAME, "--on", "departures", "--where", "time_hour - INTERVAL 1 HOUR >= '2013-11-01'")
    lake("query", "--name", "predicted")
    lake("models")
    differences = [*_compared(), *_leak_refused()]
    for difference in differences:
        say(f"DIFFERS  {difference}")
    if differences:
        sys.exit(1)
    say(
        f"The figure is what scikit-learn alone gives, and the leak was refused, in {seconds():.0f} s.\n"
        f"The lake is up. Look around:  . .tools/env.sh; cd {LAKE}; lake query --name predicted; lake models\n"
        f"Plots:                        {LAKE}/reports/{NAME}/report.html\n"
        f"Take it down:                 lake down --delete-data && lake leftovers; lake local stop"
    )


def _enter() -> None:
    """The example as a lake of its own, so that nothing is written among the examples, and the demo in its folder."""
    shutil.copytree(SOURCE, LAKE, dirs_exist_ok=True)
    prompt(f"cd {LAKE}")
    os.chdir(LAKE)


def _compared() -> list[str]:
    """The pipeline's figure, and the same of Athena's predictions, beside scikit-learn's on the same files."""
    found = answer("evaluate", NAME)
    alone = _alone(found["version"])
    predicted = _of_predictions()
    metric = found["metrics"]["auc"]
    constant, feature = (found["baselines"][name] for name in ("constant", "one_feature"))
    say(
        f"AUC {metric['value']:.6f} ({metric['low']:.3f} to {metric['high']:.3f}) on {found['rows']:,} flights\n"
        f"scikit-learn alone {alone:.6f}, of Athena's table {predicted:.6f}\n"
        f"baselines: {constant['auc']:.3f} a constant, {feature['auc']:.3f} {feature['says']} alone"
    )
    return [
        f"AUC {metric['value']} is not {other}" for other in (alone, predicted) if abs(metric["value"] - other) > SAME
    ]


def _alone(version: str) -> float:
    """The AUC of the same model, trained by scikit-learn in a process that knows neither lake nor SageMaker."""
    folder = Path(".local/files")
    aws = Aws(load(Path("lake.yaml")))
    for part in ("train", "test"):
        key = f"training-sets/{NAME}/{version}/{part}/{part}.parquet"
        folder.mkdir(parents=True, exist_ok=True)
        aws.s3.download_file(aws.names.bucket("ml"), key, str(folder / f"{part}.parquet"))
    words = [str(environment_folder() / "bin/python"), str(SOURCE / "alone.py"), str(folder)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def _of_predictions() -> float:
    """The AUC of the table that Athena reads, joined with what came of the flights."""
    return float(answer("query", "--name", "auc_of_predictions")["rows"][0]["auc"])


def _leak_refused() -> list[str]:
    """With `dep_delay` left in, the build has to be refused, and by its name. Then all is as it was."""
    file = Path("lake.yaml")
    text = file.read_text()
    file.write_text(text.replace("    exclude: [dep_delay]\n", ""))
    try:
        lake("up", "ml")
        prompt(f"lake dataset build {NAME}    # with dep_delay left in")
        done = subprocess.run(
            [sys.executable, "-m", "lake", "dataset", "build", NAME], capture_output=True, text=True, check=False
        )
        say(done.stderr.strip())
    finally:
        file.write_text(text)
    lake("up", "ml")
    refused = done.returncode == 1 and "dep_delay alone tells the label" in done.stderr
    return [] if refused else ["the set with dep_delay in it was not refused"]


if __name__ == "__main__":
    main()
