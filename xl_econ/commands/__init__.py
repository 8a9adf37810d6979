"""What the commands do and print, by subject; `cli` imports a module when one of its commands runs."""
