"""Chains of crawlers and jobs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lake.configuration.model.base import CRON, Model, Name


class WorkflowStep(Model):
    crawl: list[Name] = []
    """The datasets whose crawlers the step starts."""
    run: list[Name] = []
    """The jobs that the step starts."""
    after: Literal["all", "any"] = "all"
    """Start after all, or any, of the previous step's crawlers and jobs have succeeded."""


class Workflow(Model):
    schedule: Annotated[str, Field(pattern=CRON)] | None = None
    """When it runs, as `cron(...)` with AWS's six fields in UTC. Without it, on demand only."""
    steps: Annotated[list[WorkflowStep], Field(min_length=1)]
    """The steps, in order. A step starts after the previous one has succeeded."""
