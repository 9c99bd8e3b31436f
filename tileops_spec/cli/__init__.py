"""The command line: flags, one call, rendering, exit code. One file a command."""
