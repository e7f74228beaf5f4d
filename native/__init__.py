"""The native group backend: its C sources, how it is built, and what shows that it can be trusted."""
