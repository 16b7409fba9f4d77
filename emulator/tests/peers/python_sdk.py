"""Calls all 24 methods of the official Python SDK, and prints what each returns, one JSON object a line.

Run by `python_sdk.rs`, which makes the same calls with the Rust client and compares the requests.
"""

import json
import os

from piaxis_sdk import PiaxisClient

VERIFIER = "a-verifier-of-at-least-43-characters-that-both-clients-share"
CHALLENGE = os.environ["PEER_CHALLENGE"]
CALLBACK = "https://shop.example.com/callback"
BUYER = {"email": "buyer@example.com", "phone_number": "+256700000000"}


def show(method, result):
    print(json.dumps({"method": method, "result": result}), flush=True)
    return result


base_url = os.environ["PIAXIS_API_BASE_URL"]
merchant = PiaxisClient.from_env(app_name="peer")
anonymous = PiaxisClient(base_url=base_url)


def buyer():
    """The buyer, with a fresh one-time password."""
    sent = merchant.request_otp(dict(BUYER))
    return dict(BUYER, otp=sent["otp"])


# OAuth.
authorization = {
    "merchant_id": os.environ["PEER_MERCHANT_ID"],
    "external_user_id": "customer-123",
    "redirect_uri": CALLBACK,
    "state": "state-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
show("build_authorize_url", anonymous.build_authorize_url(**authorization))
test = show("authorize_test", anonymous.authorize_test(**authorization))
client = {"client_id": os.environ["PIAXIS_CLIENT_ID"], "client_secret": os.environ["PIAXIS_CLIENT_SECRET"]}
tokens = show(
    "exchange_token",
    anonymous.exchange_token(code=test["code"], redirect_uri=CALLBACK, code_verifier=VERIFIER, **client),
)
show("refresh_token", anonymous.refresh_token(refresh_token=tokens["refresh_token"], **client))

# Payments.
show("request_otp", merchant.request_otp(dict(BUYER)))
order = {"amount": "15000", "currency": "UGX", "payment_method": "mtn", "user_info": buyer(), "customer_pays_fees": True}
payment = show("create_payment", merchant.create_payment(order))
show("get_payment", merchant.get_payment(payment["payment_id"]))
show("list_merchant_payments", merchant.list_merchant_payments({"status": "pending", "limit": 20, "offset": 0}))
payer = PiaxisClient(base_url=base_url, access_token=tokens["access_token"])
show(
    "create_payment",
    payer.create_payment(
        {
            "amount": "15000",
            "currency": "UGX",
            "payment_method": "piaxis_external",
            "recipient_id": tokens["merchant_id"],
        }
    ),
)

# Escrows: one that is released and reversed in part, one with terms, one in dispute.
escrow = show(
    "create_escrow",
    merchant.create_escrow(
        {
            "receiver_id": os.environ["PEER_MERCHANT_ID"],
            "amount": "50000",
            "currency_code": "UGX",
            "payment_method": "mtn",
            "external_order_id": "order-789",
            "metadata": {"channel": "marketplace"},
            "allocations": [
                {"allocation_key": "seller-alpha", "amount": "20000", "seller_reference": "seller-001"},
                {"allocation_key": "seller-beta", "amount": "30000", "description": "Beta"},
            ],
            "user_info": buyer(),
            "terms": [{"type": "manual_release", "data": {}}],
        }
    ),
)
show("get_escrow", merchant.get_escrow(escrow["id"]))
show("get_escrow_status", merchant.get_escrow_status(escrow["id"]))
show(
    "release_escrow",
    merchant.release_escrow(
        escrow["id"], payload={"allocation_keys": ["seller-alpha"], "amount": "20000", "reason": "Goods received"}
    ),
)
show("reverse_escrow", merchant.reverse_escrow(escrow["id"], {"allocation_keys": ["seller-beta"], "reason": "Cancelled"}))
meeting = merchant.create_escrow(
    {
        "amount": "50000",
        "currency_code": "UGX",
        "payment_method": "mtn",
        "user_info": buyer(),
        "terms": [{"type": "meeting_delivery", "data": {}}],
    }
)
term_id = meeting["terms"][0]["term_id"]
show(
    "fulfill_escrow_term",
    merchant.fulfill_escrow_term(
        meeting["id"],
        term_id,
        {
            "term_type": "meeting_delivery",
            "data": {"buyer_latitude": 0.3476, "buyer_longitude": 32.5825},
            "user_info": buyer(),
        },
    ),
)
show("dispute_escrow", merchant.dispute_escrow(meeting["id"], {"reason": "Never arrived", "initiator_role": "sender"}))

# Disbursements.
disbursement = show(
    "disburse",
    merchant.disburse(
        recipients=[
            {"recipient_id": tokens["user_id"], "amount": "100000", "reference": "supplier-001"},
            {"phone_number": "+256711111111", "amount": "50000", "reference": "supplier-002"},
        ],
        currency="UGX",
        payment_method="airtel",
        description="Weekly supplier payout",
    ),
)
show("get_disbursement", merchant.get_disbursement(disbursement["disbursement_id"]))
show("list_disbursements", merchant.list_disbursements(status="pending", limit=20, offset=0))
show("cancel_disbursement", merchant.cancel_disbursement(disbursement["disbursement_id"], reason="Wrong recipient"))

# Escrow disbursements.
batch = show(
    "escrow_disburse",
    merchant.escrow_disburse(
        recipients=[
            {
                "recipient_id": tokens["user_id"],
                "amount": "100000",
                "reference": "courier-001",
                "terms": [{"type": "manual_release", "data": {}}],
            },
            {
                "phone_number": "+256722222222",
                "amount": "150000",
                "reference": "courier-002",
                "terms": [{"type": "manual_release", "data": {}}],
            },
        ],
        currency="UGX",
        payment_method="mtn",
        description="Courier escrow batch",
        user_location={"latitude": 0.312, "longitude": 32.582},
    ),
)
show("get_escrow_disbursement", merchant.get_escrow_disbursement(batch["disbursement_id"]))
show("list_escrow_disbursements", merchant.list_escrow_disbursements(status="pending", limit=20, offset=0))
show(
    "release_escrow_disbursement",
    merchant.release_escrow_disbursement(
        batch["disbursement_id"], force=True, reason="Approved", escrow_ids=[batch["escrow_items"][0]["escrow_id"]]
    ),
)
show("cancel_escrow_disbursement", merchant.cancel_escrow_disbursement(batch["disbursement_id"], reason="Cancelled"))
