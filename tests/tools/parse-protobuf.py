#!/usr/bin/python3
"""parse-protobuf.py PROTO: reads Prometheus' delimited protobuf from standard input.

PROTO describes the messages. Prints what parse-openmetrics.py prints of the same metrics; a sum that
is not known is not printed, nor a histogram's count then. After that "NAME{LABELS} native ..." of each
histogram that has such a part.
"""
import math
import os
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.decoder import _DecodeVarint32

with tempfile.NamedTemporaryFile() as described:
    subprocess.run(
        ["protoc", f"--proto_path={os.path.dirname(sys.argv[1])}", f"--descriptor_set_out={described.name}", sys.argv[1]],
        check=True)
    files = descriptor_pb2.FileDescriptorSet.FromString(described.read()).file
pool = descriptor_pool.DescriptorPool()
for file in files:
    pool.Add(file)
MetricFamily = message_factory.MessageFactory(pool).GetPrototype(
    pool.FindMessageTypeByName("prometheus.MetricFamily"))

samples, natives = {}, []


def series(name, metric, **more):
    labels = {label.name: label.value for label in metric.label} | more
    return f"{name}{{{','.join(f'{k}={chr(34)}{v}{chr(34)}' for k, v in sorted(labels.items()))}}}"


def sample(value, *where, **more):
    name = series(*where, **more)
    if name in samples:
        sys.exit(f"twice: {name}")
    samples[name] = int(value) if float(value).is_integer() else value


def bound(value):
    return "+Inf" if value == math.inf else str(value)


def histogram(name, metric):
    of = metric.histogram
    for bucket in of.bucket:
        sample(bucket.cumulative_count, name + "_bucket", metric, le=bound(bucket.upper_bound))
    if not math.isnan(of.sample_sum):
        sample(of.sample_count, name + "_count", metric)
        sample(of.sample_sum, name + "_sum", metric)
    if of.HasField("schema"):
        index, deltas, count, buckets = 0, iter(of.positive_delta), 0, []
        for span in of.positive_span:
            index += span.offset
            for _ in range(span.length):
                count += next(deltas)
                buckets += [f"{2 ** index}={count}"] if count else []
                index += 1
        natives.append(f"{series(name, metric)} native {of.zero_threshold:g}={of.zero_count} {' '.join(buckets)}")


def summary(name, metric):
    for quantile in metric.summary.quantile:
        sample(quantile.value, name, metric, quantile=bound(quantile.quantile))
    sample(metric.summary.sample_count, name + "_count", metric)
    if not math.isnan(metric.summary.sample_sum):
        sample(metric.summary.sample_sum, name + "_sum", metric)


stream, at = sys.stdin.buffer.read(), 0
while at < len(stream):
    size, at = _DecodeVarint32(stream, at)
    family = MetricFamily.FromString(stream[at:at + size])
    at += size
    kind = MetricFamily.DESCRIPTOR.file.enum_types_by_name["MetricType"].values_by_number[family.type].name.lower()
    for each in family.metric:
        if kind == "histogram":
            histogram(family.name, each)
        elif kind == "summary":
            summary(family.name, each)
        else:
            sample(getattr(each, kind).value, family.name, each)
for name, value in sorted(samples.items()):
    print(name, value)
for line in sorted(natives):
    print(line)
