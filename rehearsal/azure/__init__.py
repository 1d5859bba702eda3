"""The simulated Azure of a rehearsal: resources with ARM's own rules, quotas, delays and failures, kept in the rehearsal's folder."""
