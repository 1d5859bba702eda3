"""OSMO's command-line client for the people who use a stack: installed in the profile's version, checked, logged in. Nothing needs it."""
