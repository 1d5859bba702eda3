"""The virtual host: what the program's commands find, and the fence that keeps them there."""
