"""Reads report.csv with Python's own csv module; prints the rows as JSON."""
import csv
import json
import sys

with open(sys.argv[1], newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
for row in rows:
    row["value"] = float(row["value"]) if row["value"] else None
print(json.dumps(rows))
