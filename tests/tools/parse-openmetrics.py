#!/usr/bin/python3
"""parse-openmetrics.py: reads OpenMetrics from standard input with prometheus_client's strict parser.

Prints "NAME{LABELS} VALUE" a sample, sorted. Fails on what the parser refuses, and on series that
come twice.
"""
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

seen = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        labels = ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items()))
        series = f"{sample.name}{{{labels}}}"
        if series in seen:
            sys.exit(f"twice: {series}")
        seen[series] = sample.value
for series, value in sorted(seen.items()):
    print(series, value)
