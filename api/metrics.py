"""What is counted. Labels are bounded: route templates, status classes, certificate types and states, datasets and quality
dimensions; never a person, a case or a path as called."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REGISTRY = CollectorRegistry()
REQUESTS = Counter("hutong_http_requests_total", "HTTP requests", ["method", "route", "status"], registry=REGISTRY)
SECONDS = Histogram(
    "hutong_http_request_seconds", "Seconds a request took", ["route"], registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)  # fmt: skip
ANSWERS = Counter("hutong_certificate_lines_total", "Certificate lines answered", ["type", "state"], registry=REGISTRY)
#: of a metric and its labels, the one that counts; looked up once
labelled = lru_cache(maxsize=4096)(lambda metric, *labels: metric.labels(*labels))
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def exposition() -> bytes:
    """All counts as Prometheus text: of this process, or of all processes that count into one folder."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return generate_latest(together)


def quality(measures: Iterable[tuple[str, str, float]]) -> bytes:
    """How good each dataset is (dataset, dimension, share from 0 to 1), as last measured, as Prometheus text."""
    registry = CollectorRegistry()
    gauge = Gauge(
        "hutong_quality_ratio", "Elements as they should be, of those assessed", ["dataset", "dimension"], registry=registry
    )  # fmt: skip
    for dataset, dimension, share in measures:
        gauge.labels(dataset, dimension).set(share)
    return generate_latest(registry)
