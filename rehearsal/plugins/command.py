"""The rehearsal's Command plugin: nothing is run on this machine."""

from __future__ import annotations

from rehearsal.plugins.refusing import RefusingProvider
from rehearsal.plugins.servicer import main


class Command(RefusingProvider):
    """Stands where the official plugin would, so that a rehearsal runs no command of the program on this host."""

    version = "1.2.1"
    sentence = "a rehearsal runs no commands on this machine; deploy this stack outside the rehearsal"


if __name__ == "__main__":
    main(Command)
