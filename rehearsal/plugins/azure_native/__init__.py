"""The rehearsal's azure-native plugin: the engine's calls, handed on to the simulated Azure of the rehearsal's daemon, and nowhere else."""
