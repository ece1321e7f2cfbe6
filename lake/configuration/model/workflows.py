"""Chains of crawlers and jobs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import CRON, Model, Name


class WorkflowStep(Model):
    crawl: list[Name] = []
    """The datasets whose crawlers it starts."""
    run: list[Name] = []
    """The jobs it starts."""
    after: Literal["all", "any"] = "all"
    """Start when all, or any, of the crawlers and jobs of the step before have succeeded."""


class Workflow(Model):
    schedule: Annotated[str, Field(pattern=CRON)] | None = None
    """When it runs, as `cron(...)` with AWS's six fields in UTC. Without it, on demand only."""
    steps: Annotated[list[WorkflowStep], Field(min_length=1)]
    """What it starts, in order. A step starts when the one before has succeeded."""
