"""The rehearsal's price API over loopback, rows that a test makes up, and a stack whose cost is reckoned."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI

from rehearsal.serving import listen
from sdg.azure.prices import Prices, Row
from sdg.settings.azure import Azure

TODAY = datetime(2026, 7, 1, 12, tzinfo=UTC)
SOURCE = "http://127.0.0.1:1/api/retail/prices"
MACHINES = ["Standard_D16ds_v5", "Standard_NC40ads_H100_v5"]
RANGES = ["198.51.100.7/32"]


@contextmanager
def serving(app: FastAPI):
    """An application on a free port; its address."""
    socket = listen(0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()


def row(price, **said):
    """A row of a machine in eastus2, or whatever is said instead."""
    fields = {
        "currencyCode": "USD",
        "retailPrice": price,
        "armRegionName": "eastus2",
        "effectiveStartDate": "2024-01-01T00:00:00Z",
        "meterId": "m",
        "meterName": "D16ds v5",
        "productName": "Virtual Machines Ddsv5 Series",
        "skuName": "D16ds v5",
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "armSkuName": "Standard_D16ds_v5",
    }
    return Row.model_validate(fields | said)


def prices(*rows, fetched=TODAY):
    return Prices(source=SOURCE, region="eastus2", currency="USD", fetched=fetched, rows=rows)


def azure(**said):
    return Azure.model_validate({"kind": "azure", "allowedRanges": RANGES, "acceptUnvalidated": True, **said})
