"""Who a rehearsal is logged in as. The ids are made up; the rehearsal's environment names them as a real login would."""

from __future__ import annotations

SUBSCRIPTION = "5d600000-0000-4000-8000-000000000001"
TENANT = "5d600000-0000-4000-8000-000000000002"
CLIENT = "5d600000-0000-4000-8000-000000000003"
OBJECT = "5d600000-0000-4000-8000-000000000004"
