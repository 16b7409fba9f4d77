"""Writes webhook_vectors.json: what the official Python package says of deliveries.

Run once, with `pip install piaxis-sdk==0.2.4`:  python3 webhook_vectors.py > webhook_vectors.json
The signatures are made here; the verdicts are the package's.
"""

import base64, hashlib, hmac, json
from unittest import mock

from piaxis_sdk.security import verify_webhook_signature

NOW = 1_712_345_678
EVENT = b'{"event":"payment.succeeded"}'


def sign(secret, *parts):
    return hmac.new(secret.encode(), b"".join(parts), hashlib.sha256).hexdigest()


vectors = []


def vector(name, secret, body, v1=None, v2=None, timestamp=None, tolerance=300, repeat=1, defect=None):
    whole = body * repeat
    with mock.patch("time.time", return_value=NOW):
        try:
            verdict = verify_webhook_signature(
                whole, secret=secret, signature=v1, signature_v2=v2, timestamp=timestamp, tolerance_seconds=tolerance
            )
        except TypeError:
            verdict = "TypeError"
    one = {"name": name, "secret": secret, "body": base64.b64encode(body).decode(), "verdict": verdict}
    optional = {"repeat": repeat if repeat > 1 else None, "v1": v1, "v2": v2, "timestamp": timestamp,
                "tolerance": tolerance if tolerance != 300 else None, "defect": defect}
    vectors.append(one | {key: value for key, value in optional.items() if value is not None})


secrets = {
    "plain": "secret",
    "one letter": "x",
    "unicode": "sëcret-ключ-密",
    "longer than a block": "whsec_" + "0123456789abcdef" * 8,
    "a block": "k" * 64,
    "spaces and quotes": ' "a b"\t',
}
bodies = {
    "event": (EVENT, 1),
    "pretty": (b'{\r\n  "event": "payment.succeeded",\r\n  "data": {}\r\n}\r\n', 1),
    "unicode": ('{"event":"payment.succeeded","data":{"name":"Nàkató 🇺🇬 Ṣẹ́gun"}}'.encode(), 1),
    "escaped": (b'{"event":"payment.succeeded","data":{"name":"N\\u00e0kat\\u00f3"}}', 1),
    "empty": (b"", 1),
    "1 MB": (b'["0123456789abc"]', 62_500),
    "no JSON": (bytes(range(256)), 1),
    "zero bytes": (b"\0\0\0", 1),
    "no UTF-8": (b"\xff\xfe{\x80}", 1),
}
for kind, secret in secrets.items():
    for shape, (body, repeat) in bodies.items():
        if repeat > 1 and kind != "plain":
            continue
        whole, t = body * repeat, str(NOW - 7)
        vector(f"v1 of {shape} by {kind}", secret, body, v1=sign(secret, whole), repeat=repeat)
        vector(f"v2 of {shape} by {kind}", secret, body, v2=sign(secret, t.encode(), b".", whole), timestamp=t, repeat=repeat)

good, key, now = sign("secret", EVENT), "secret", str(NOW)


def v2(t, text=None):
    return sign(key, (text or t).encode(), b".", EVENT)


for distance in (-301, -300, -299, 0, 299, 300, 301):
    t = str(NOW + distance)
    vector(f"v2 at {distance} s", key, EVENT, v2=v2(t), timestamp=t)
t = str(NOW - 50)
vector("v2 within a short tolerance", key, EVENT, v2=v2(t), timestamp=t, tolerance=60)
vector("v2 beyond a short tolerance", key, EVENT, v2=v2(t), timestamp=t, tolerance=40)
vector("good v2 with bad v1", key, EVENT, v1="0" * 64, v2=v2(now), timestamp=now)
vector("both good", key, EVENT, v1=good, v2=v2(now), timestamp=now)
vector("bad v2 with good v1", key, EVENT, v1=good, v2="0" * 64, timestamp=now)
vector("v2 without timestamp, good v1", key, EVENT, v1=good, v2=v2(now))
vector("good v1 with a lone timestamp", key, EVENT, v1=good, timestamp=now)
vector("no signature", key, EVENT)
vector("another secret", "other", EVENT, v1=good)
vector("altered body", key, EVENT + b" ", v1=good)
vector("altered timestamp", key, EVENT, v2=v2(now), timestamp=str(NOW + 1))
vector("upper-case v1", key, EVENT, v1=good.upper())
vector("upper-case v2", key, EVENT, v2=v2(now).upper(), timestamp=now)
vector("short v1", key, EVENT, v1=good[:-1])
vector("long v1", key, EVENT, v1=good + "0")
vector("no hex", key, EVENT, v1="g" * 64)
vector("no ASCII", key, EVENT, v1="é" * 32)
vector("words for a timestamp", key, EVENT, v2=v2(now), timestamp="now")
vector("a fraction for a timestamp", key, EVENT, v2=v2(now), timestamp=now + ".0")
vector("timestamp beyond 64 bits", key, EVENT, v2=v2("99999999999999999999"), timestamp="99999999999999999999")

vector("empty secret, v1", "", EVENT, v1=sign("", EVENT), defect="empty secret")
vector("empty secret, v2", "", EVENT, v2=sign("", now.encode(), b".", EVENT), timestamp=now, defect="empty secret")
vector("v2 left away", key, EVENT, v1=good, defect="downgrade")
vector("empty v2 with good v1", key, EVENT, v1=good, v2="", timestamp=now, defect="empty header")
for name, t in {
    "plus": f"+{NOW}", "spaces": f" {NOW} ", "underscores": "1_712_345_678", "leading zero": f"0{NOW}",
    "Arabic digits": "١٧١٢٣٤٥٦٧٨", "line end": f"{NOW}\n",
}.items():
    vector(f"odd timestamp: {name}", key, EVENT, v2=v2(now), timestamp=t, defect="odd timestamp")
vector("no age check", key, EVENT, v2=v2("1"), timestamp="1", tolerance=0, defect="tolerance 0")

print("[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in vectors) + "\n]")
