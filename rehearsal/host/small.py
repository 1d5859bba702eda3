"""The host's small programs: what it is, what it has left, who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rehearsal.host.calls import Answer, Call, Host, refused, unknown
from rehearsal.host.machine import DRIVER, DRIVER_FILES

Program = Callable[[Call, Host], Answer]

MIB_PER_GIB, KIB_PER_GIB = 1024, 1024 * 1024
DISK_GIB, FREE_GIB = 1000, 800
RELEASE: Mapping[str, str] = {"d": "Ubuntu 24.04.3 LTS", "i": "Ubuntu", "r": "24.04", "c": "noble"}
_LONG = {"d": "description", "i": "id", "r": "release", "c": "codename"}
_TITLES = {"i": "Distributor ID", "d": "Description", "r": "Release", "c": "Codename"}
KERNEL = "6.8.0-79-generic"
# who listens where MicroK8s runs (its documentation, "Services and ports")
MICROK8S_PORTS: Mapping[int, str] = {
    10248: "kubelite", 10249: "kubelite", 10250: "kubelite", 10256: "kubelite", 10257: "kubelite", 10259: "kubelite",
    16443: "kubelite", 19001: "k8s-dqlite", 25000: "python3",
}  # fmt: skip


def uname(call: Call, host: Host) -> Answer:
    """System, kernel and machine."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[host.machine.host.architecture]
    parts = {"s": "Linux", "n": "workstation", "r": KERNEL, "m": machine, "p": machine, "o": "GNU/Linux"}
    flags = "".join(argument.lstrip("-") for argument in call.arguments) or "s"
    if set(flags) - {*parts, "a"}:
        return unknown(call, [f"-{flag}" for flag in (*parts, "a")])
    return Answer(" ".join(part for flag, part in parts.items() if flag in flags or "a" in flags) + "\n")


def lsb_release(call: Call, _host: Host) -> Answer:
    """The distribution."""
    words = [argument.lstrip("-") for argument in call.arguments]
    flags = {flag for word in words for flag in ([word[0]] if word in _LONG.values() else word) if word != "short"}
    short = "s" in flags or "short" in words
    wanted = RELEASE if "a" in flags or words == ["all"] else {flag: text for flag, text in RELEASE.items() if flag in flags}
    if not wanted or flags - {*RELEASE, "s", "a", "l"}:
        return unknown(call, ["-d", "-i", "-r", "-c", "-a", "-s"])
    return Answer("".join(f"{text}\n" if short else f"{_TITLES[flag]}:\t{text}\n" for flag, text in wanted.items()))


def nproc(_call: Call, host: Host) -> Answer:
    """Processors."""
    return Answer(f"{host.machine.host.vcpus}\n")


def free(call: Call, host: Host) -> Answer:
    """Memory, in MiB."""
    if call.arguments not in {("-m",), ("--mebi",)}:
        return unknown(call, ["-m"])
    total = host.machine.host.memory_gib * MIB_PER_GIB
    used = total // 16
    columns = ("total", "used", "free", "shared", "buff/cache", "available")
    memory = (total, used, total - 2 * used, 12, used, total - used)
    lines = [" " * 7 + "".join(f"{name:>12}" for name in columns), "Mem:   " + "".join(f"{value:>12}" for value in memory)]
    return Answer("\n".join([*lines, "Swap:  " + "".join(f"{value:>12}" for value in (2047, 0, 2047))]) + "\n")


def df(call: Call, host: Host) -> Answer:
    """Disk, in KiB and POSIX form; every path lies on the one disk."""
    options = [argument for argument in call.arguments if argument.startswith("-")]
    if set("".join(option.lstrip("-") for option in options)) != {"P", "k"}:
        return unknown(call, ["-Pk"])
    left = (host.fault("host.disk") or {}).get("freeGiB", FREE_GIB)
    total, available = DISK_GIB * KIB_PER_GIB, int(float(left) * KIB_PER_GIB)
    line = f"/dev/nvme0n1p2 {total:>13} {total - available:>10} {available:>10} {100 - 100 * available // total:>7}% /\n"
    paths = len(call.arguments) - len(options)
    return Answer("Filesystem     1024-blocks       Used  Available Capacity Mounted on\n" + line * max(paths, 1))


def ss(call: Call, host: Host) -> Answer:
    """Sockets that listen for TCP. Whose they are is shown to root alone, as everywhere."""
    flags = {flag for argument in call.arguments for flag in argument.lstrip("-")}
    if flags - set("Hltnp") or not {"l", "t", "n"} <= flags:
        return unknown(call, ["-Hltnp"])
    header = "" if "H" in flags else "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
    shown = call.root and "p" in flags
    lines = (_socket(port, owner, shown=shown) for port, owner in sorted(_listeners(host)))
    return Answer(header + "".join(lines))


def _listeners(host: Host) -> Iterator[tuple[int, str]]:
    yield 22, "sshd"
    if "microk8s" in host.machine.snaps:
        yield from MICROK8S_PORTS.items()
    if held := host.fault("host.port"):
        yield int(held.get("port", 16443)), str(held.get("process", "nginx"))


def _socket(port: int, owner: str, *, shown: bool) -> str:
    users = f' users:(("{owner}",pid={1000 + port % 1000},fd=7))' if shown else ""
    return f"LISTEN 0      4096         0.0.0.0:{port:<6}   0.0.0.0:*    {users}".rstrip() + "\n"


def nvidia_smi(call: Call, host: Host) -> Answer:
    """The GPU driver's own word. A driver that does not fit the kernel says what it always says."""
    gpu = host.machine.host.gpu
    fault = host.fault("host.driver")
    version = DRIVER if fault is None else str(fault.get("version") or "")
    if gpu is None or not version:
        words = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is"
        return Answer(out=f"{words} installed and running.\n\n", code=9)
    name = gpu.product.removeprefix("NVIDIA-").replace("-", " ")
    known = {"driver_version": version, "name": f"NVIDIA {name}", "memory.total": f"{gpu.memory_gib * MIB_PER_GIB} MiB", "index": ""}
    if call.arguments == ("-L",):
        return Answer("".join(f"GPU {index}: {known['name']} (UUID: GPU-{index:08x})\n" for index in range(gpu.count)))
    fields = call.value("--query-gpu").split(",")
    if call.value("--format").replace(" ", "") != "csv,noheader" or not set(fields) <= set(known):
        return unknown(call, ["-L", "--query-gpu=driver_version,name,memory.total --format=csv,noheader"])
    rows = ({**known, "index": str(index)} for index in range(gpu.count))
    return Answer("".join(", ".join(row[name] for name in fields) + "\n" for row in rows))


def find(call: Call, host: Host) -> Answer:
    """Files of the GPU's driver; it looks at no others."""
    if len(call.arguments) != len(_FIND) or (call.arguments[0], *call.arguments[2:]) != (_FIND[0], *_FIND[2:]):
        return unknown(call, [" ".join(_FIND)])
    path = call.arguments[1]
    driver = host.machine.host.gpu is not None and host.fault("host.optix") is None
    if driver and path in DRIVER_FILES:
        return Answer(f"{path}\n")
    return refused(f"find: '{path}': No such file or directory")


_FIND = ("-L", "FILE", "-type", "f")


def usermod(call: Call, host: Host) -> Answer:
    """Adds a user to the group `microk8s`; that counts from the next login on."""
    if not call.root:
        return refused("usermod: Permission denied.\nusermod: cannot lock /etc/passwd; try again later.")
    flags = [argument for argument in call.arguments if argument.startswith("-")]
    names = [argument for argument in call.arguments if not argument.startswith("-")]
    if set(flags) - {"-a", "-G", "-aG", "--append", "--groups"} or len(names) != len(("group", "user")):
        return unknown(call, ["--append --groups GROUP USER"])
    group, user = names
    if group not in {"microk8s", "snap_microk8s"} or "microk8s" not in host.machine.snaps:
        return refused(f"usermod: group '{group}' does not exist", 6)
    host.machine.members = sorted({*host.machine.members, user})
    host.keep()
    return Answer()


def gpasswd(call: Call, host: Host) -> Answer:
    """Takes a user out of the group `microk8s`."""
    if not call.root:
        return refused("gpasswd: Permission denied.")
    if len(call.arguments) != len(("--delete", "user", "group")) or call.arguments[0] not in {"-d", "--delete"}:
        return unknown(call, ["--delete USER GROUP"])
    _, user, group = call.arguments
    if user not in host.machine.members:
        return refused(f"gpasswd: user '{user}' is not a member of '{group}'", 3)
    host.machine.members.remove(user)
    host.keep()
    return Answer(f"Removing user {user} from group {group}\n")


def sudo(call: Call, host: Host) -> Answer:
    """Runs another program of the host as root. Without -n it is not answered: it might ask for a password, and nobody would hear."""
    arguments = list(call.arguments)
    options = []
    while arguments and arguments[0].startswith("-"):
        options.append(arguments.pop(0))
        if options[-1] == "--":
            break
    while arguments and "=" in arguments[0].partition("/")[0]:
        arguments.pop(0)
    if set(options) - {"-n", "--non-interactive", "-E", "-H", "--"}:
        return unknown(call, ["-n"])
    if not {"-n", "--non-interactive"} & set(options):
        return refused(
            "sudo: a terminal is required to read the password; a rehearsal answers `sudo -n` alone\nsudo: a password is required"
        )
    if host.fault("host.sudo") is not None:
        return refused("sudo: a password is required")
    return Answer(run=tuple(arguments)) if arguments else refused("usage: sudo -n command [arg ...]")


PROGRAMS: Mapping[str, Program] = {
    "df": df,
    "find": find,
    "free": free,
    "gpasswd": gpasswd,
    "lsb_release": lsb_release,
    "nproc": nproc,
    "nvidia-smi": nvidia_smi,
    "ss": ss,
    "sudo": sudo,
    "uname": uname,
    "usermod": usermod,
}
