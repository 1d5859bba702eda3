"""What can go wrong when NVIDIA Cloud Functions are asked. Each says what to do about it; none shows a key."""

from __future__ import annotations

from typing import ClassVar


class NvcfError(Exception):
    """NVCF could not be asked, or refused.

    Attributes:
        remedy: what to do, a sentence; empty where the message says it.
        passing: whether it may be gone when one asks again.
    """

    remedy: ClassVar[str] = ""
    passing: ClassVar[bool] = False


class NvcfUnreachableError(NvcfError):
    """Nothing answered."""

    remedy = "Check this host's way to the internet, and sdg:mirror.apis where it names https://api.nvcf.nvidia.com."
    passing = True


class NvcfUnavailableError(NvcfError):
    """429, or a status of 500 and above: it may answer later."""

    remedy = "NVIDIA Cloud Functions are busy or down; run the command again in a few minutes."
    passing = True


class NvcfUnauthorizedError(NvcfError):
    """401: the key is of a kind that Cloud Functions don't take, or it has expired or been deleted."""

    remedy = (
        "The key has expired, was deleted, or is of a kind that Cloud Functions don't take, such as a legacy key. Make a service key "
        "of the organisation at https://org.ngc.nvidia.com/service-keys and store it: pulumi config set --secret sdg:nvcfApiKey"
    )


class NvcfForbiddenError(NvcfError):
    """403: the key is another organisation's, or lacks a scope."""

    remedy = (
        "The key belongs to another organisation, or lacks one of the scopes Invoke Function and List Functions. Make a service key in the "
        "organisation that the functions are deployed to, for all functions, and store it: pulumi config set --secret sdg:nvcfApiKey"
    )


class NvcfNotFoundError(NvcfError):
    """404: no function of that id that the key may see."""

    remedy = "Compare sdg:inference.functions with the list at https://nvcf.ngc.nvidia.com/functions of the key's organisation."


class NvcfAnswerError(NvcfError):
    """An answer that Cloud Functions don't give: something else answers at that address."""

    remedy = "Check what answers there: a proxy, or sdg:mirror.apis where it names https://api.nvcf.nvidia.com."
