"""A lake with resources of every type that the stacks know."""

from __future__ import annotations

from pathlib import Path

LAKE = """
project: everything

environments:
  local: {endpoint: "http://127.0.0.1:4566", region: us-east-1, destroyable: true}
  dev:
    region: us-east-1
    destroyable: true
    account: "123456789012"
    budget: {monthly_usd: 100, emails: [ann@example.org]}
    lake_formation: true

connections:
  shop: {type: postgresql, host: db.example.org, database: shop}
  inside: {type: network, network: {subnet: subnet-0a, security_groups: [sg-0a], zone: us-east-1a}}

datasets:
  customers: {format: jdbc, connection: shop, table: public.customers}
  orders: {format: csv, csv: {delimiter: ";"}, partitions: [day], crawl: {recrawl: events}}
  clicks: {format: json, partitions: [day], crawl: {schedule: cron(0 3 * * ? *)}}
  rates: {format: csv, catalog: declared, columns: {shop: string, rate: double}, partitions: [day]}

jobs:
  sales:
    source: orders
    expect: [{unique: [id]}]
    stale_hours: 24
    sink: {table: sales, partition_by: [day]}
  nightly: {script: jobs/nightly.py, encryption: true, connections: [inside]}
  tidy: {script: jobs/tidy.py, type: shell}

ml_transforms: {same_orders: {dataset: orders, primary_key: id}}

workflows:
  nightly:
    schedule: cron(0 3 * * ? *)
    steps: [{crawl: [orders]}, {run: [sales, tidy]}]

streams:
  events:
    columns: {at: timestamp, shop: string, price: double}
    event_time: {column: at}
    delivery: {transform: {folder: enrich}}
    windows: {sums: {by: shop, seconds: 60, compute: {total: sum(price)}, alert: total > 100}}

training_sets:
  late:
    from: SELECT id, day, total, shop FROM sales
    entity: [id]
    time: day
    label: total
    split: {by: time, train_until: 2024-01-01, validate_until: 2024-02-01}
    drift: {on: sales, schedule: cron(0 3 * * ? *)}

models:
  late: {training_set: late, script: train.py, metric: auc, at_least: 0.6}

feature_groups:
  shops: {identifier: shop, time: seen, features: {shop: string, rate: fractional}, online: true}

queries: {folder: queries}
"""
FILES = {
    "lake.yaml": LAKE,
    "jobs/nightly.py": "",
    "jobs/tidy.py": "",
    "train.py": "",
    "enrich/main.py": "def handler(event, context):\n    return event\n",
    "queries/one.sql": "SELECT 1\n",
}


def full_lake(folder: Path) -> Path:
    """Write the lake into a folder, and return its lake.yaml."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder / "lake.yaml"
