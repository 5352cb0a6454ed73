"""The command line. Every command is one small function here that calls the parts which do the work."""
