"""A script: sits in another process group and reports SIGINT there, by one byte on stdout. Ends with its parent (end of stdin).

Usage: sentinel.py PROCESS_GROUP. Standard library only, and few modules: it is started while somebody waits.
"""

import os
import signal
import sys


def report(_signum: int, _frame: object) -> None:
    os.write(1, b"!")


def main() -> None:
    signal.signal(signal.SIGINT, report)
    try:
        os.setpgid(0, int(sys.argv[1]))
    except OSError:  # no such group in this session
        return
    while os.read(0, 1):
        pass


if __name__ == "__main__":
    main()
