"""What a cluster gets before OSMO, as far as more than its component has to know it."""
