"""Where the platform's parts live in a cluster."""

from __future__ import annotations

from typing import Final

MINIO_NAMESPACE: Final = "minio-operator"
MINIO_ROOT_SECRET: Final = "minio-root"  # noqa: S105 - a Secret's name
MINIO_CLAIM: Final = "minio-data"
