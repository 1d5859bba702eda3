"""What is asked of Azure before anything is made: of the subscription, of the region, and of this host's way to the cluster."""
