"""A stack that was rehearsed and stays, so that it can be changed; and what its rehearsal said of endpoints."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import contextmanager

from tests.engine.rehearsing import command

DEADLINE = "inference.deadline=120"  # seconds; everything is quick here
COMMON = ("sdg:inference:", "sdg:endpoints:", "pulumi:pulumi:")


def options(values, name="--config"):
    return [word for value in values for word in (name, value)]


@contextmanager
def commands(folder):
    """Makes the command for a stack; whatever it started is gone afterwards."""
    made = []

    def of(stack):
        made.append(command(folder, stack))
        return made[-1]

    try:
        yield of
    finally:
        for each in made:
            each.stop()


def asked(output):
    """Names of the endpoints that the gate asked, from the table of gates."""
    return set(re.findall(r"│ endpoint-ready +│ endpoint/(\S+)", output))


def created(output, kind):
    """Names of the resources of a kind that an update created, from what the engine says of it."""
    return set(re.findall(rf"\+ +\S+:{kind} (\S+) created", output))


class Kept:
    """A stack that was rehearsed and stays.

    Args:
        config: assignments of what the stack's file does not say.
        nodes: machines, where the stack's own do not do.
    """

    def __init__(self, sdg, config, nodes=()):
        self._sdg = sdg
        done = sdg.rehearse("--keep", *options(nodes, "--node"), *options((DEADLINE, *config)))
        assert done.returncode == 0, done.stdout
        self.output = done.stdout

    def shell(self, words):
        done = self._sdg.shell(words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def pulumi(self, words):
        return self.shell(f"pulumi {words} --stack {self._sdg.stack} --non-interactive")

    def up(self):
        return self.pulumi("up --yes --skip-preview")

    def outputs(self):
        return json.loads(self.pulumi("stack output --json 2>/dev/null"))

    def endpoints(self):
        return sorted(endpoint["name"] for endpoint in self.outputs()["endpoints"])

    def services(self):
        """The NIM services that there are."""
        return sorted(self.shell("kubectl get nimservices -n osmo-nims -o 'jsonpath={.items[*].metadata.name}'").split())

    def set(self, *assignments):
        """Sets values of `sdg:` by path."""
        self.pulumi(f"config set-all --path {shlex.join(options([f'sdg:{each}' for each in assignments], '--plaintext'))}")

    def remove(self, *paths):
        """Takes values of `sdg:` away, where there are any."""
        for path in paths:
            self._sdg.shell(f"pulumi config rm --path 'sdg:{path}' --stack {self._sdg.stack}")

    def touched(self):
        """Names of the resources that an update would touch, without those that stand for all endpoints, and then the update."""
        steps = json.loads(self.pulumi("preview --json --suppress-progress 2>/dev/null"))["steps"]
        self.up()
        changed = {step["urn"] for step in steps if step["op"] not in {"same", "read"}}
        return {name for urn in changed if (name := urn.rpartition("::")[2]) not in self._common(changed)}

    @staticmethod
    def _common(urns):
        """The gate of all endpoints, components, which say what they hold, and the stack, whose outputs list it."""
        kinds = {urn.rpartition("::")[2]: urn.split("::")[2].rpartition("$")[2] for urn in urns}
        return {name for name, kind in kinds.items() if name == "inference-gate" or kind.startswith(COMMON)}
