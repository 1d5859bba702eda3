"""Serve as the plugin process that the engine started."""

from __future__ import annotations

from rehearsal.plugins import process
from rehearsal.plugins.command import running
from rehearsal.plugins.command.provider import CommandProvider
from rehearsal.plugins.command.servicer import CommandServicer
from rehearsal.plugins.servicer import main

process.at_exit(running.end_all)
main(CommandProvider, CommandServicer)
