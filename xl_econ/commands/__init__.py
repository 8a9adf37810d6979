"""Commands whose work is more than a few lines: each gives what the command line prints."""
