"""MicroK8s on a host: what is run there, and what is made of its answers. Nothing here knows Pulumi, and nothing is run from here.

The command lines call `snap`, `microk8s`, `sudo`, `nvidia-smi`, `id`, `usermod` and a POSIX shell's own tools, all found on PATH. Of `snap`:
`list`, `install`, `refresh`, `remove`, `watch`, and `get` and `set` of the key `sdg.stack`, which says which stack installed MicroK8s. Of
`microk8s`: `status --format short`, `enable`, `disable`, `config`, `kubectl`, `helm3`.
"""
