"""A stand-in's process: hands a call to the virtual host's server and becomes what that answers.

`client.py FOLDER NAME ARGUMENT…`, started without site packages, since a command may call many: the standard library's lighter half alone.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from typing import Any

ADDRESS = "address.json"
"""File in the host's folder: port and token of its server."""
ROOT = "SDG_REHEARSAL_ROOT"
"""Set by `sudo` for what it runs."""
_STDIN = ("-", "/dev/stdin")


def main(folder: str, name: str, arguments: list[str]) -> int:
    """Calls the server, prints what it says, or becomes another program of the host; returns the exit code."""
    call = {
        "program": name,
        "arguments": arguments,
        "root": ROOT in os.environ,
        "directory": os.getcwd(),  # noqa: PTH109 -- pathlib costs time
        "stdin": sys.stdin.read() if any(argument.rpartition("=")[2] in _STDIN for argument in arguments) else "",
    }
    try:
        answer = _ask(folder, call)
    except (OSError, ValueError, http.client.HTTPException) as error:
        sys.stderr.write(f"{name}: the rehearsal's host does not answer ({error}); start it again with `sdg rehearsal start`\n")
        return 70
    sys.stdout.write(answer["out"])
    sys.stderr.write(answer["err"])
    sys.stdout.flush()
    sys.stderr.flush()
    if answer["run"]:
        _become(folder, answer["run"])
        return 1
    return int(answer["code"])


def _ask(folder: str, call: dict[str, object]) -> dict[str, Any]:
    with open(os.path.join(folder, ADDRESS), encoding="utf-8") as file:  # noqa: PTH118, PTH123 -- pathlib costs time
        address = json.load(file)
    connection = http.client.HTTPConnection("127.0.0.1", address["port"])
    connection.request("POST", "/", json.dumps(call), {"Authorization": address["token"]})
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    return answer


def _become(folder: str, command: list[str]) -> None:
    """Does not return, unless the host has no such program."""
    program = os.path.join(folder, "bin", os.path.basename(command[0]))  # noqa: PTH118, PTH119 -- pathlib costs time
    if not os.access(program, os.X_OK) or os.path.basename(command[0]) != command[0]:  # noqa: PTH119
        sys.stderr.write(f"sudo: {command[0]}: command not found\n")
        return
    os.execve(program, command, {**os.environ, ROOT: "1"})  # noqa: S606 -- sudo becomes what it runs


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
