"""A host on which a cluster's steps are run: this machine, or another one over SSH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_command import local, remote

from sdg.microk8s.script import Step, over_ssh
from sdg.settings.cluster import SshHost

Command = local.Command | remote.Command

# one try costs at most the dial's time: a host that is off is said within a minute
_DIALS: Final = 4
_DIAL_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class Host:
    """Where steps are run.

    Attributes:
        ssh: how to get there; None for this machine.
        private_key: key to log in with; the SSH agent's keys when None.
    """

    ssh: SshHost | None
    private_key: pulumi.Output[str] | None

    def run(
        self,
        name: str,
        step: Step,
        parent: pulumi.Resource,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> Command:
        """Registers a step. The output of one that prints a credential is secret and not shown while it runs."""
        own = pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(after),
            # what is brought about anew is taken back before: there is one MicroK8s per host
            delete_before_replace=True,
            additional_secret_outputs=["stdout"] if step.secret else None,
        )
        merged = pulumi.ResourceOptions.merge(own, opts)
        triggers = list(step.triggers)
        # what a command printed would come back to the next one as a variable, for which an SSH server has to be configured
        if self.ssh is None:
            return local.Command(
                name,
                create=step.create,
                update=step.update,
                delete=step.delete,
                triggers=triggers,
                add_previous_output_in_env=False,
                logging=local.Logging.NONE if step.secret else None,
                opts=merged,
            )
        return remote.Command(
            name,
            connection=self._connection(self.ssh),
            create=over_ssh(step.create),
            update=over_ssh(step.update),
            delete=over_ssh(step.delete),
            triggers=triggers,
            add_previous_output_in_env=False,
            logging=remote.Logging.NONE if step.secret else None,
            opts=merged,
        )

    def _connection(self, ssh: SshHost) -> remote.ConnectionArgs:
        return remote.ConnectionArgs(
            host=ssh.address,
            port=ssh.port,
            user=ssh.user,
            private_key=self.private_key,
            host_key=ssh.host_key,
            dial_error_limit=_DIALS,
            per_dial_timeout=_DIAL_SECONDS,
        )
