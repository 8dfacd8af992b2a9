"""Reads openmetrics.txt with the strict parser of prometheus_client; prints all samples as JSON."""
import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    families = list(text_string_to_metric_families(file.read()))
samples = [
    {
        "name": sample.name,
        "type": family.type,
        "labels": sample.labels,
        "value": sample.value,
        "stamp_s": float(sample.timestamp) if sample.timestamp is not None else None,
    }
    for family in families
    for sample in family.samples
]
print(json.dumps(samples))
