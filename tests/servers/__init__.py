"""Real servers for the tests, each started on 127.0.0.1 and ended by its process id. Never a double."""
