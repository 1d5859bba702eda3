"""Client of the OSMO HTTP API, release 6.3."""
