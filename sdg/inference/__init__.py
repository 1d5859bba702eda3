"""Which endpoints a stack serves, from its settings, its workload's spec and the catalogs. Pure: no Pulumi, no network."""
