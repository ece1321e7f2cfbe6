"""Runs a model's script over files, as SageMaker's containers serve it: `python serve.py SETTINGS`.

It runs in the environment of the jobs, and knows nothing of the embedded AWS. What a script does not define is as in
the container: `input_fn` makes numbers of 32 bits of CSV (that of scikit-learn one row of a file with one column, that
of XGBoost a DMatrix), `predict_fn` calls `predict`, `output_fn` writes a line for each answer.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text())
    script = Path(settings["script"])
    sys.path.insert(0, str(script.parent))
    module = _module(script)
    if not hasattr(module, "model_fn"):
        sys.exit(f"{script.name} has no model_fn, which loads the model")
    model = module.model_fn(settings["model"])
    for source, target in settings["files"].items():
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        with Path(target).open("wb") as out:
            for batch in batches(Path(source).read_bytes(), settings):
                out.write(_answer(module, model, batch, settings))


def _module(script: Path) -> Any:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


def batches(body: bytes, settings: dict[str, Any]) -> Iterator[bytes]:
    """Whole lines, as many as a request may have bytes; or all of it where it is not split."""
    if not settings["by_line"]:
        yield body
        return
    batch, size = list[bytes](), 0
    for line in body.splitlines(keepends=True):
        if batch and (settings["one_record"] or size + len(line) > settings["most_bytes"]):
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield b"".join(batch)


def _answer(module: Any, model: Any, batch: bytes, settings: dict[str, Any]) -> bytes:
    is_xgboost = settings["framework"] == "XGBoost"
    read = getattr(module, "input_fn", matrix_input if is_xgboost else default_input)
    predict = getattr(module, "predict_fn", matrix_prediction if is_xgboost else default_prediction)
    write = getattr(module, "output_fn", default_output)
    text = batch.decode() if settings["content_type"].startswith("text/") else batch
    answer = write(predict(read(text, settings["content_type"]), model), settings["accept"])
    answer = answer[0] if isinstance(answer, tuple) else answer
    encoded = answer if isinstance(answer, bytes) else str(answer).encode()
    return encoded if encoded.endswith(b"\n") else encoded + b"\n"


def default_input(text: str | bytes, content_type: str) -> Any:
    table = _numbers(text, content_type)
    return table.reshape(1, -1) if 1 in table.shape else table


def matrix_input(text: str | bytes, content_type: str) -> Any:
    import xgboost  # type: ignore[import-not-found]

    return xgboost.DMatrix(_numbers(text, content_type))


def _numbers(text: str | bytes, content_type: str) -> Any:
    """A row for each line."""
    import numpy as np

    if content_type != "text/csv":
        sys.exit(f"the script has no input_fn, and {content_type} is not text/csv")
    lines = io.StringIO(text if isinstance(text, str) else text.decode())
    return np.genfromtxt(lines, delimiter=",", dtype="float32", ndmin=2)


def default_prediction(table: Any, model: Any) -> Any:
    return model.predict(table)


def matrix_prediction(table: Any, model: Any) -> Any:
    return model.predict(table, validate_features=False)


def default_output(answer: Any, accept: str) -> str:
    if accept == "application/json":
        return json.dumps(answer.tolist())
    return "".join(f"{','.join(map(str, row)) if hasattr(row, '__len__') else row}\n" for row in answer.tolist())


if __name__ == "__main__":
    main()
