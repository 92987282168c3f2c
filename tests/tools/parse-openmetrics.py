#!/usr/bin/python3
"""parse-openmetrics.py: reads OpenMetrics from standard input with prometheus_client's strict parser.

Prints "NAME{LABELS} VALUE" a sample, sorted. Fails on what the parser refuses, and on series that
come twice. Standard input may hold several texts, each to its "# EOF".
"""
import re
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

text = sys.stdin.read()
for page in re.findall(r".*?^# EOF\n|.+$", text, re.DOTALL | re.MULTILINE) or [text]:
    seen = {}
    try:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                labels = ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items()))
                series = f"{sample.name}{{{labels}}}"
                if series in seen:
                    sys.exit(f"twice: {series}")
                seen[series] = sample.value
    except ValueError as error:
        sys.exit(f"{error} in:\n{page}")
    for series, value in sorted(seen.items()):
        print(series, value)
