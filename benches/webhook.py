"""Seconds that the official package takes to verify a body, and Python to read it; run by webhook.rs."""

import json, sys, time

from piaxis_sdk.security import verify_webhook_signature

body, timestamp, signature = sys.argv[1].encode(), sys.argv[2], sys.argv[3]


def receive():
    assert verify_webhook_signature(
        body, secret="secret", signature_v2=signature, timestamp=timestamp, tolerance_seconds=3600
    )
    return json.loads(body)


times = []
for _ in range(200):
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < 0.004:
        receive()
        calls += 1
    times.append((time.perf_counter() - start) / calls)
print(sorted(times)[len(times) // 2])
