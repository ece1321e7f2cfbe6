"""An AWS on the laptop: one loopback process that moves real data.

The emulator ministack answers the API calls it does well. In front of it stands a gateway whose handlers run what
an emulator only pretends to run (crawlers, Spark jobs, Athena SQL) and mend what Terraform would see as drift.
Nothing here knows a particular lake: it speaks AWS's APIs.
"""
