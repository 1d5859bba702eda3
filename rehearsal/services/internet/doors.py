"""How a rehearsed stack finds these services: through the settings of a mirror, and the keys that they know."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from rehearsal.azure.regions import regions
from rehearsal.services.internet.external import END

FUNCTIONS: Final = "/functions"
FOUNDRY: Final = "/foundry"
SERVERLESS: Final = "/serverless"
EXTERNAL: Final = "/external"
PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "https://api.nvcf.nvidia.com": "/nvcf",
        "https://*.invocation.api.nvcf.nvidia.com": f"{FUNCTIONS}/*",
        "https://nvcr.io": "/registry",
        "https://huggingface.co": "/hub",
        "https://*.services.ai.azure.com": f"{FOUNDRY}/*",
    }
)
"""Who is asked, to the paths that answer here; `*` is the label of the host."""

# a rehearsal's own, so that nobody has to have real ones, and none of these is kept in one; the services take any that look like one
KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "NGC_API_KEY": "nvapi-ForTheRehearsalAlone0000",
        "NVCF_API_KEY": "nvapi-ForTheRehearsalAlone0001",
        "HF_TOKEN": "hf_ForTheRehearsalAlone0000",
        "EXTERNAL_API_KEY": "for-the-rehearsal-alone",
    }
)


def apis(url: str, external: Mapping[str, str]) -> dict[str, str]:
    """What belongs into `sdg:mirror.apis`.

    Args:
        url: of these services.
        external: base URLs of endpoints that the stack says somebody else runs, to the models that they serve.
    """
    serverless = {f"https://*.{region}.models.ai.azure.com": f"{url}{SERVERLESS}/*" for region in regions().regions}
    others = {base.rstrip("/"): f"{url}{EXTERNAL}/{model}/{END}{urlsplit(base).path.rstrip('/')}" for base, model in external.items()}
    return {source: url + path for source, path in PATHS.items()} | serverless | others
