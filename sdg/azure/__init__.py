"""What a stack knows about Azure before it makes anything: names, networks, and what Azure's web APIs say. Knows no Pulumi."""
