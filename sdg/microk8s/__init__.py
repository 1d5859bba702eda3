"""MicroK8s on a host: what is run there, and what is made of its answers. Nothing here knows Pulumi, and nothing is run from here.

The command lines find on PATH: `snap`, `microk8s`, `sudo`, `nvidia-smi`, `usermod`, `gpasswd`, `id`, and a POSIX shell's own tools. Of
`snap` they use `list`, `install`, `refresh`, `remove`, `watch`, and `get`, `set` and `unset` of two keys: `sdg.stack` says which stack
installed MicroK8s, `sdg.member` whom it added to MicroK8s' group. Of `microk8s` they use `status --format short`, `start`, `enable`,
`disable`, `config`, `kubectl` and `helm3`.
"""
