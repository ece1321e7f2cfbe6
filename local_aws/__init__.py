"""An AWS on your own machine: one loopback process that moves real data.

The emulator ministack answers the API calls that it handles well. A gateway in front of it has handlers that run what
an emulator only pretends to run (crawlers, Spark jobs, Athena SQL), and that correct what Terraform would see as drift.
Nothing here depends on a particular lake: it implements AWS's APIs.
"""
