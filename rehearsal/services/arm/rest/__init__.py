"""ARM's REST, as far as anything asks it before a deployment: reads, and questions of names. What is here is in `ROUTES`, nothing else."""

from rehearsal.services.arm.rest.app import install
from rehearsal.services.arm.rest.doors import apis, environment

__all__ = ["apis", "environment", "install"]
