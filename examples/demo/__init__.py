"""The main job on real input: load IDL files that others wrote, serve them, and talk to other implementations."""
