"""The tables that are generated: docs/settings.md from the model, README.md's stacks and outputs from a synth.

`python -m docs.tables` writes them between their markers; a test fails when they are out of date.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lake import config, model
from lake.names import STACKS

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "settings.md")
MODELS: dict[str, type[BaseModel] | tuple[type[BaseModel], ...]] = {
    "": model.Config,
    "environments.NAME.": model.Environment,
    "environments.NAME.state.": model.State,
    "connections.NAME.": model.Connection,
    "connections.NAME.network.": model.Network,
    "datasets.NAME.": model.Dataset,
    "datasets.NAME.csv.": model.CsvFormat,
    "datasets.NAME.json.": model.JsonFormat,
    "datasets.NAME.grok.": model.GrokFormat,
    "datasets.NAME.xml.": model.XmlFormat,
    "datasets.NAME.projection.KEY.": model.Projection,
    "datasets.NAME.partition_index.": model.PartitionIndex,
    "datasets.NAME.crawl.": model.Crawl,
    "jobs.NAME.": (model.Job, model.ScriptJob, model.JobSettings),
    "jobs.NAME.steps[].": model.Step,
    "jobs.NAME.steps[].find_matches.": model.FindMatches,
    "jobs.NAME.steps[].join.": model.Join,
    "jobs.NAME.steps[].map.": model.Map,
    "jobs.NAME.steps[].map.lookup.NAME.": model.Lookup,
    "jobs.NAME.expect[].": model.Expectation,
    "jobs.NAME.expect[].rows.": model.Rows,
    "jobs.NAME.expect[].fresh.": model.Fresh,
    "jobs.NAME.expect[].refers.": model.Refers,
    "jobs.NAME.cast_nulls.": model.CastNulls,
    "jobs.NAME.sink.": model.Sink,
    "workflows.NAME.": model.Workflow,
    "workflows.NAME.steps[].": model.WorkflowStep,
    "ml_transforms.NAME.": model.MlTransform,
    "streams.NAME.": model.Stream,
    "streams.NAME.buffer.": model.Buffer,
    "streams.NAME.window.": model.Window,
    "queries.": model.Queries,
}
NAMES: dict[type, str] = {str: "text", int: "integer", float: "number", bool: "true or false"}


def pages() -> dict[Path, str]:
    """Each page with every generated table renewed."""
    tables = {"settings": settings(), **stacks_and_outputs()}
    return {page: _with_tables(page.read_text(), tables) for page in PAGES}


def _with_tables(page: str, tables: dict[str, list[str]]) -> str:
    for name, table in tables.items():
        markers = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = "\n".join(table) + "\n"
        page = markers.sub(lambda found, text=text: found[1] + text + found[2], page)  # type: ignore[misc]
    return page


def settings() -> list[str]:
    """A row per field of lake.yaml."""
    rows = ["| field | type | default | |", "|---|---|---|---|"]
    for prefix, models in MODELS.items():
        for class_ in models if isinstance(models, tuple) else (models,):
            own = {name: info for name, info in class_.model_fields.items() if name in class_.__annotations__}
            for name, info in own.items():
                if not _is_group(info):
                    rows.append(
                        f"| `{prefix}{info.alias or name}` | {_type(info)} | {_default(info)} | {_about(info)} |"
                    )
    return rows


def stacks_and_outputs() -> dict[str, list[str]]:
    """The table of the stacks' resources, and that of their outputs."""
    stacks = _synthesised()
    resources = ["| stack | resources |", "|---|---|"]
    outputs = ["| stack | output | |", "|---|---|---|"]
    for name, stack in stacks.items():
        resources.append(f"| {name} | {', '.join(_counted(stack['resource']))} |")
        outputs += [f"| {name} | `{key}` | {output['description']} |" for key, output in stack["output"].items()]
    return {"resources": resources, "outputs": outputs}


def _synthesised() -> dict[str, Any]:
    from stacks.app import build_app

    with tempfile.TemporaryDirectory() as folder:
        build_app(config.load(ROOT / config.FILE, "local"), folder).synth()
        return {stack: json.loads((Path(folder) / "stacks" / stack / "cdk.tf.json").read_text()) for stack in STACKS}


def _counted(resources: dict[str, Any]) -> Iterator[str]:
    """Resource types with their number; what belongs to a bucket (`s3_bucket_policy`, ...) is not named apart."""
    for type_, found in sorted(resources.items()):
        name = type_.removeprefix("aws_")
        if not name.startswith("s3_bucket_"):
            yield f"`{name}`" if len(found) == 1 else f"{len(found)} `{name}`"


def _is_group(info: FieldInfo) -> bool:
    """Fields that are models, or collections of them, have rows of their own; not those that may be a plain value."""
    return all(_holds_models(choice) for choice in _choices(info.annotation))


def _choices(annotation: Any) -> list[Any]:
    """What a union allows, without what annotates it; None left out."""
    if get_origin(annotation) is Annotated:
        return _choices(get_args(annotation)[0])
    if get_origin(annotation) not in (Union, UnionType):
        return [annotation]
    return [choice for part in get_args(annotation) if part is not NoneType for choice in _choices(part)]


def _holds_models(annotation: Any) -> bool:
    models = [leaf for leaf in _leaves(annotation) if isinstance(leaf, type) and issubclass(leaf, BaseModel)]
    return any(class_.model_fields for class_ in models)


def _leaves(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Literal or not get_args(annotation):
        yield annotation
    else:
        for part in get_args(annotation):
            yield from _leaves(part)


def _type(info: FieldInfo) -> str:
    return " or ".join(dict.fromkeys(_type_name(choice) for choice in _choices(info.annotation)))


def _type_name(annotation: Any) -> str:
    leaves = list(_leaves(annotation))
    words = [str(word) for leaf in leaves if get_origin(leaf) is Literal for word in get_args(leaf)]
    names = [", ".join(words)] if words else [NAMES.get(leaf, "mapping") for leaf in leaves if isinstance(leaf, type)]
    origins = [origin for origin in ("dict", "list") if str(annotation).startswith(origin)]
    return f"{origins[0]} of {names[-1]}" if origins else names[-1]


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    return "" if info.default in (None, [], {}) else f"`{json.dumps(info.default)}`"


def _about(info: FieldInfo) -> str:
    return " ".join((info.description or "").split())


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
