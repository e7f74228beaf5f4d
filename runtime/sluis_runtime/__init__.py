"""What every program shares and the pure protocol can't hold: files, configuration, logs, databases, command lines."""
