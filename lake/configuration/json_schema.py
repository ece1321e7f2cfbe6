"""The JSON Schema of lake.yaml, with what the model says about each field in the text below it.

Pydantic can read these texts too, but at import: every command would wait for what only editors and the reference show.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel

from lake.configuration.model import Config
from lake.configuration.model.base import Model


def json_schema() -> dict[str, Any]:
    """The JSON Schema of lake.yaml, for editors. It covers fields and values, but not the rules between them."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
    definitions = {**schema["$defs"], Config.__name__: schema}
    for model in _below(Model):
        for name, text in descriptions(model).items() if model.__name__ in definitions else ():
            definitions[model.__name__]["properties"][name]["description"] = text
    return schema


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Field, as lake.yaml spells it -> its description, of the fields that have one."""
    classes = [class_ for class_ in reversed(model.__mro__) if issubclass(class_, Model)]
    texts = {name: text for class_ in classes for name, text in _texts(class_)}
    return {field.alias or name: texts[name] for name, field in model.model_fields.items() if name in texts}


def _texts(class_: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """The names of a class's own fields, with the texts below them."""
    (definition,) = ast.parse(dedent(inspect.getsource(class_))).body
    assert isinstance(definition, ast.ClassDef)
    for line, below in pairwise(definition.body):
        match line, below:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str() as text)):
                yield name, inspect.cleandoc(text)


def _below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in model.__subclasses__():
        yield each
        yield from _below(each)
