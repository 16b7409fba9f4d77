"""Requests of the official package: so many of a kind for each line read, and a line of the time that they took; run by call.rs."""

import sys, time, uuid

from piaxis_sdk import PiaxisClient

client = PiaxisClient(api_key="key-1", piaxis_client_id="client-1", base_url=sys.argv[1])
order = {
    "amount": "15000",
    "currency": "UGX",
    "payment_method": "mtn",
    "user_info": {"email": "buyer@example.com", "phone_number": "+256700000000", "otp": "123456"},
    "customer_pays_fees": True,
}
requests = {
    "Get": lambda: client.get_payment("3a0da2c0-a8b2-4c76-9f40-1dbf7ee03dcf"),
    # The package leaves the key to its user.
    "Create": lambda: client.create_payment(
        order, request_options={"headers": {"X-Idempotency-Key": str(uuid.uuid4())}}
    ),
    "List": lambda: client.list_merchant_payments({"limit": 100}),
}

for line in sys.stdin:
    what, times = line.split()
    send = requests[what]
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(int(times)):
        send()
    print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)
