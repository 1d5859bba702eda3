"""`kubernetes:helm.sh/v3:Release`, done by the real `helm` program."""
