"""What Python clients do with a daemon: one function a case."""
