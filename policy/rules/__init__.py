"""One module per rule; importing one starts nothing."""
