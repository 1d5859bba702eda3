"""MicroK8s on a host: what is run there, and what is made of its answers. Nothing here knows Pulumi, and nothing is run from here.

The command lines find on PATH: `snap`, `microk8s`, `sudo`, `nvidia-smi`, `usermod`, `id`, and a POSIX shell's own tools. Of `snap` they
use `list`, `install`, `refresh`, `remove`, `watch`, and `get`, `set` and `unset` of the key `sdg.stack`, which says which stack installed
MicroK8s; of `microk8s`: `status --format short`, `start`, `enable`, `disable`, `config`, `kubectl` and `helm3`.
"""
