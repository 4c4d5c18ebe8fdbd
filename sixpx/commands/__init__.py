"""The commands, one file each under one contract: `add_options(parser)` and `run(options) -> int`."""
